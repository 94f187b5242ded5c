"""OAuth 2.0 for applications: tokens by client credentials (RFC 6749 §4.4), and their revocation (RFC 7009).

`client_lockout` (the soft lock on client secrets), `endpoints`. No token stands for a user, and none is logged.
"""
