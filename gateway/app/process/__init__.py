"""The package gateway.app.process."""
