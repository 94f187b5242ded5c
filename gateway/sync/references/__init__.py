"""The package gateway.sync.references."""
