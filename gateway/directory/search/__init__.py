"""The package gateway.directory.search."""
