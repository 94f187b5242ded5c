"""Programs for those who work on the gateway; nothing here is installed."""
