"""The blocking LDAP client that all LDAP sources share: settings, session, searches, and the steps of `gateway check`.

To read in this order, each importing only modules above it:

- `settings`: the server (`Upstream`) and the scope of each kind (`KindSettings`).
- `errors`: the two exceptions, and the tables from result codes and certificate errors to cures.
- `session`: one socket, requests out, messages in.
- `connect`: from a URL to a bound session in four steps.
- `entry_mapper`: the Protocol of the mappers that turn entries into deltas.
- `search`: root DSE, bases, paged reads.
- `schema_check`, `check`: the items of `gateway check`.
- `user_lookup`: one person by the login name, from the reactor, in threads.

It knows no kind of server: what OpenLDAP or Active Directory do in their own way lies in the folders beside. Nothing here runs
in the reactor's thread but the entry points of `user_lookup`.
"""
