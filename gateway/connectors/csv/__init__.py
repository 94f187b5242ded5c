"""The source of kind `csv`: an export of a personnel system, one person to a row."""
