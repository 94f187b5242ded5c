"""The package gateway.directory.materialization."""
