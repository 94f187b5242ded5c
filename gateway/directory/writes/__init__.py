"""The package gateway.directory.writes."""
