"""The package gateway.store.log."""
