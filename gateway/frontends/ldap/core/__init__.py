"""The package gateway.frontends.ldap.core."""
