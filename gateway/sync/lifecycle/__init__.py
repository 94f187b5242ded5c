"""The package gateway.sync.lifecycle."""
