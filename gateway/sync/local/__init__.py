"""The package gateway.sync.local."""
