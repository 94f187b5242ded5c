"""Floor 4, the faces: outside words ↔ our words, nothing else. They do not know each other.

`ldap` (the LDAP server), `http` (the web kit that serves the other two), `scoped_writes` (what an application may write over
HTTP), `developer` (the Developer API), `admin` (management API, metrics, health). A face decides nothing about what a party may
see: it asks gateway.directory.
"""
