"""The package gateway.directory.authentication."""
