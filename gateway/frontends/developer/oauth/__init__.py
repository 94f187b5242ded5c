"""The package gateway.frontends.developer.oauth."""
