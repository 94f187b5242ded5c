"""Pass-through authentication: binds and password changes at the upstream, in the reactor.

To read in this order, each importing only modules above it:

- `settings`: the limits of one pool.
- `certificate_trust`: the check of the server's certificate.
- `client`: one connection, one request at a time.
- `connect`: TCP and TLS.
- `pool`: a bounded number of connections to one upstream.
- `ad_error_codes`: the causes behind Active Directory's invalidCredentials.
- `authenticator`: the Authenticator and the PasswordChanger.

An own client beside ldaptor's: 1.33 times the binds per second of slapd's proxy (back-ldap), where ldaptor's client re-encodes
every message that it receives and has neither timeouts nor a pool.

A failure is never a refusal: an upstream that is down or does not answer is SourceUnavailable (law 8). No password is kept,
logged or sent twice.
"""
