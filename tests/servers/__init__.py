"""Real counterparts for the tests and the bench: each a real server program on loopback, in a temporary folder, on a free port.

Nothing here imitates a server, and nothing here knows the gateway.
"""
