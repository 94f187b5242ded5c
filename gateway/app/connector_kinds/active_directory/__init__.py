"""The kind `active_directory`: its table, then its makers."""
