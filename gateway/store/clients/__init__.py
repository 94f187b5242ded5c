"""The package gateway.store.clients."""
