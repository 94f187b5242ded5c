"""The package gateway.app.config."""
