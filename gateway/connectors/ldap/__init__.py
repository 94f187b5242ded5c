"""The LDAP connectors: directories that are read, and asked whether a password is right.

- `client`: the blocking client that all of them share.
- `bind`: pass-through authentication, in the reactor; uses `client` for settings and errors.
- `openldap`, `active_directory`: the two kinds of source; they do not know each other.

Decision: an own LDAP client beside two libraries.

- Bulk reading: an own session on gateway.wire reads 30,000 entries per second, ldap3 7,000 (1,400 without its fast decoder).
  python-ldap reads 43,000, but needs a C compiler and OpenLDAP's headers to install.
- On the wire, ldaptor decodes one search request in 43 µs and encodes one entry of 12 attributes in 73 µs; slapd spends about
  35 µs on a whole request. It is the independent oracle of the tests.
- Binds: the own client does 1.33 times the binds of slapd's proxy (back-ldap). ldaptor's client encodes every message again
  that it receives, and has neither timeouts nor a pool.
- ldap3 remains for parsing the schemas of upstreams, which servers write in many ways.
"""
