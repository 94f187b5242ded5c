"""The package gateway.connectors.ldap.bind."""
