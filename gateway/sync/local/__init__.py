"""Local writes: edits made through the gateway, as reports of the source `local`.

- edit_deltas: an edit as deltas.
- source: the door for edits; checks what may be edited under the lock of the change log, then goes through `Inbound`.

Must never be: an edit that overwrites what a source says, unless the authority rules let that source yield.
"""
