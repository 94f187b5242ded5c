"""The package gateway.directory.projection."""
