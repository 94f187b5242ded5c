"""The package gateway.frontends.ldap.server."""
