"""Floor 3, the reading side: the directory as LDAP sees it.

definition (the shape of a view) → projection (object → entry) → viewfile (SQLite) ← writer ← updater ← follower (the log)
access (who may see what) → shape → plan (filter → SQL) → search (rows through sight) → bytes; authenticate tells who asks."""
