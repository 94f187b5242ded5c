"""The package gateway.connectors.ldap.active_directory."""
