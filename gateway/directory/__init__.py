"""Floor 3, the reading side: the directory as LDAP sees it.

definition (the shape of a view) → projection (object → entry) → viewfile (the SQLite file) ← writer, follower (the log → the file)
access (who may see what) → plan (filter → SQL) → search → bytes; authenticate (who is it)."""
