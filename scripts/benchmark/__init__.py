"""`scripts/bench`: slapd and the gateway, on the same directory, measured in one run by the same client."""
