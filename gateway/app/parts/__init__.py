"""The package gateway.app.parts."""
