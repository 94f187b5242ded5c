"""The package gateway.sync.runner."""
