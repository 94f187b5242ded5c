"""The package gateway.sync.correlation."""
