"""The package gateway.connectors.ldap.client."""
