"""The package gateway.frontends.developer.feed."""
