"""The package gateway.model.mapping."""
