"""The LDAP server (RFC 4511): outside words ↔ our words, nothing else. One file for each operation.

server (listening, limits) → connection (one client: framing, order, back-pressure) → dispatch → an operation → results."""
