"""The gateway's own bookkeeping, one table or less for each module: `source_state`, `sync_runs`, `sync_requests`, `leases`,
`instance` (the store's identity and secret), `backfill_markers`, `soft_locks` (failures of binds), `write_probe`. Nothing of
the directory is here."""
