"""The view file: one SQLite database for each view, with the entries encoded as they are sent, their index and their history.

Read in this order: csn (a moment of the log as OpenLDAP writes it) → view_file (the tables, opening, the file's own values) →
history (former states, for replication) → entry_lookup and index_writer → entry_writer (one transaction of entries).

One process writes a file; every other connection is read-only. The content and the log position commit together (law 5)."""
