"""The package gateway.frontends.ldap.search."""
