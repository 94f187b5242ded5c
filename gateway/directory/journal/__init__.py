"""The package gateway.directory.journal."""
