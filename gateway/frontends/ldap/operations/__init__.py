"""The package gateway.frontends.ldap.operations."""
