"""The package gateway.store.records."""
