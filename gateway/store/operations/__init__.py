"""The gateway's own bookkeeping, one table or less for each module: `source_state`, `sync_runs`, `sync_requests`, `leases`,
`instance` (the store's identity and secret), `backfill_markers`. Nothing of the directory is here.
"""
