"""The package gateway.frontends.ldap.subscriptions."""
