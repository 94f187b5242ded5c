"""The package gateway.sync.review."""
