"""The tests, one folder for each floor of the gateway; `servers` holds the real programs that they run against."""
