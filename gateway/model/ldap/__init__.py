"""The package gateway.model.ldap."""
