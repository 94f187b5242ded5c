"""The package gateway.sync.intake."""
