"""The package gateway.directory.view_file."""
