"""The kind `openldap`: its table, then its makers."""
