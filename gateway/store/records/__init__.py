"""Records: the last report of each source about each of its objects, with their link to an object and their references.

`records` gives model values to every reader; all else works on rows, for gateway/sync under the lock of the change log. In the
order in which to read it: `record_rows`, `record_lookup` (by DN, login name, external id), `references` and
`membership_claims`, `reconciliation_marks`, `leavers`, `former_accounts` (the accounts of users at sources that have them no
more), `held_deletions`, `left_out_values` (values that could not be kept), `source_retirement`, `unlinked_records` (an
administrator's review).
"""
