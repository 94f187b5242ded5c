"""The package gateway.frontends.developer.records."""
