"""What only PostgreSQL needs: `silence` (a server that says nothing), `notify` (commits told to other nodes), `analyze` (its
statistics, refreshed after many rows)."""
