"""The package gateway.connectors.ldif."""
