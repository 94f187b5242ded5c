"""The package gateway.model.expressions."""
