"""The package gateway.store.operations."""
