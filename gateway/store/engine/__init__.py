"""The package gateway.store.engine."""
