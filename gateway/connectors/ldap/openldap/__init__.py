"""The package gateway.connectors.ldap.openldap."""
