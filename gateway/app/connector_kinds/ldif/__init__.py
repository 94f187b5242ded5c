"""The kind `ldif`: its table, then its makers."""
