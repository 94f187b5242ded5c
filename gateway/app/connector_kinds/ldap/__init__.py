"""Keys and parts that all kinds of LDAP directories share: `table`, then `login_parts`. No kind by itself."""
