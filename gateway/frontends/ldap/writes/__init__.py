"""Writes, as far as Add, Delete, Modify and Modify DN are alike: authorization (may the application, and which entry is meant),
results (why not, in result codes), execution (one transaction through the door, the audit, the answer).

Nothing here writes to the store: that is gateway/sync/local/source.py's (law 1)."""
