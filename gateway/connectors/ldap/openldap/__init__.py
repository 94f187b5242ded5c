"""The source of kind `openldap`, for slapd, 389 Directory Server and other servers of the LDAP standards.

To read in this order, each importing only modules above it:

- `settings`: the mode of reading and the kinds.
- `entry_to_delta`: one entry as a delta.
- `watermark`: one cookie for each kind.
- `syncrepl`: the content synchronization (RFC 4533) of one kind; sans-IO, its head lists the gaps of the RFC.
- `refresh_and_persist`: the synchronization of all kinds on one session.
- `check`: the items of `gateway check`.
- `source`: the Source.

Without RFC 4533, or with an `id_attribute` of any kind other than entryUUID, a source is read in full and compared (paged,
RFC 2696).
"""
