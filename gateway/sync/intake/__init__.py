"""Intake: from the deltas of a batch to the records that they make new or change, which are written last.

Read in this order:
- folded_deltas: one report for each record of a batch, storable, with a digest by which a repeated report is recognized. Pure.
- record_changes: the first stage; the reports compared with the stored records.
- relinked_records: records that enter without a report, because a person takes them from their objects.
- record_writer: the stage that writes the records, after all decisions about them.
"""
