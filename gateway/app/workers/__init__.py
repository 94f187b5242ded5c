"""Worker processes (`[ldap] workers`): they serve LDAP, the primary process does everything else and accepts for them.

messages (what they tell each other) → channel (how); post (one worker, as the primary has it) → crew (all of them, with the
ports in handing); process (what a worker is) → bench (what it asks the primary for)."""
