"""LDAP on the wire, sans-IO: octets ↔ frozen values (RFC 4511). Knows nothing else of the gateway.

To read in this order, each importing only packages above it:

- `errors`, `limits`, `oids`, `result_codes`: the errors, bounds and numbers.
- `ber`: reading and writing BER by index.
- `filters`: the search filter: values, BER, text (RFC 4515).
- `messages`: every LDAPMessage as a value.
- `codec`: LDAPMessage ↔ octets.
- `entries`: search result entries that stay encoded.
- `controls`, `extended_values`: the values inside controls and extended operations.
- `framing`: a stream of octets → whole messages.

`filters`, `messages`, `entries` and `controls` gather the names of their modules: import from the package.

Decision: an own codec instead of ldaptor's or sansldap's. The work per request is the whole budget: slapd spends about 35 µs on
one, ldaptor 43 µs on decoding it and 73 µs on encoding an entry of 12 attributes. So octets are read by index, no object is
made on the way, and an entry is encoded once, when it is written. ldaptor and sansldap are the independent oracles of the
tests.

No I/O, no clock, no log. Whatever the octets, nothing but a WireError is raised while decoding.
"""
