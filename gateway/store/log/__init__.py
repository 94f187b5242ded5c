"""The change log: `changes` (append under the lock, read after a number), `retention` (its beginning is deleted), `epoch` (the
log's identity, by which a reader notices that the store went back in time) and `positions` (how far each reader has come).

What must never be: an update of a change, a deletion but from the beginning, or a number that is not assigned under the lock of
`changes.lock` (law 3).
"""
