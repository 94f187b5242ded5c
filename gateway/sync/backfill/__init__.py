"""The package gateway.sync.backfill."""
