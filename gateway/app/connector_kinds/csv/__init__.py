"""The kind `csv`: its table, then its makers."""
