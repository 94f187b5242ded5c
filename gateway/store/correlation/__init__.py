"""Correlation's rows: `link_decisions` (of persons), `object_keys` (by which rules find objects), `record_keys` (what rules
look for on behalf of records) and `rechecks` (records to be correlated again).

The rules themselves are in gateway/sync; nothing here decides.
"""
