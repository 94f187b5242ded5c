"""The package gateway.frontends.developer.operations."""
