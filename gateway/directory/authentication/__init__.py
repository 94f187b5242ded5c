"""Authentication: a bind becomes a party, and a party's rights end when their ground does.

Read in this order: bind_names (the identity that a name means) → password_authority, account_status, password_hashing,
soft_lock, bind_admission and line_sums (log lines, shared out by address) →
offline_binds, jit → password_check (the one place that decides whose word counts, law 14) → client_certificates, bind_audit
(log lines) → authentication (binds, proxied authorization) → password_change and revocation.

An unknown name, a wrong password and a disabled account must give the same answer after the same work here; a soft lock refuses
them alike. The time that a source takes over a name which it has is its own, and may be told from outside. A source that cannot
be asked is never a wrong password (law 8). No password is stored as it came, and none is logged."""
