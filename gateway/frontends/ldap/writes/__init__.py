"""The package gateway.frontends.ldap.writes."""
