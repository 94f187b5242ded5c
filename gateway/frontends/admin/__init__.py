"""The management listener: health, metrics, and the admin API for links. It decides nothing: it reads counters and the store,
and hands decisions to sync.review.

Lower first: `health` (checks and their outcome) and `metric_collectors` (figures of the parts and of the store), `metrics` (the
registry of the process), `endpoints` (/healthz, /readyz, /metrics, without authentication); beside them `token_auth` and
`link_format`, then `links` (the admin API). Figures are counted by the parts themselves as plain numbers, also those of the
LDAP server's fast path, and read here when they are asked for: counting costs nothing where it matters.

No secret is in an answer, and no check may hold an answer up. The command line takes `link_format`, so that a link looks the
same everywhere."""
