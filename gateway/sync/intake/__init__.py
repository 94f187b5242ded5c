"""Intake: from the deltas of a batch to the records that they make new or change. Nothing here writes.

Read in this order:
- folded_deltas: one report for each record of a batch, storable, with a digest by which a repeated report is recognized. Pure.
- record_changes: the stage; the reports compared with the stored records.
"""
