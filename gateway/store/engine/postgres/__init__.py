"""Parts for PostgreSQL alone: `silence` (a server that says nothing), `notify` (commits reported to other nodes), `analyze`
(its statistics, refreshed after many rows)."""
