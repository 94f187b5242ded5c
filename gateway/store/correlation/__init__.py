"""The package gateway.store.correlation."""
