"""Floor 3, the reading side: the directory as LDAP sees it.

definition (the shape of a view) → projection (object → entry) → viewfile (SQLite) ← writer ← updater ← follower (the log)
access (who may see what) → plan (filter → SQL) → search → bytes; authenticate tells who is asking."""
