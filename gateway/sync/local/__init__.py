"""Local writes: edits made through the gateway, as reports of the source `local`.

- edit_deltas: an edit as deltas.
- edit_checks: refuses edits of what a source reports, names that are taken, cycles.
- source: the door for edits; checks them under the lock of the change log, then goes through `Inbound`.
- write_group: edits that wait at the same time, in one transaction.
- writer: all local writes of one process.

Must never be: an edit that overwrites what a source says, unless the authority rules let that source yield.
"""
