"""The package gateway.sync.rules."""
