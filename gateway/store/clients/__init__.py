"""Clients of the gateway: `applications` with their rights and secrets, their `access_tokens`, `application_passwords`, and the
`idempotency_keys` of what they wrote.

Secrets are random and kept as SHA-256 (law 12): a slow hash protects what people think up, and would only slow binds down here.
"""
