# ldap3: log-in by search and bind, groups of a person, members of a group read in pages, the server's schema.
# Gateway: a view of kind openldap, an application (gateway application add sample-portal).
# Tested with ldap3 2.9 from PyPI (ldap3).
import sys

from ldap3 import ALL, Connection, Server
from ldap3.utils.conv import escape_filter_chars

SERVER = Server("ldap://127.0.0.1:3890", get_info=ALL)
PEOPLE = "ou=people,dc=directory,dc=example"
GROUPS = "ou=groups,dc=directory,dc=example"
BIND_DN = "cn=sample-portal,ou=applications,dc=directory,dc=example"
BIND_PASSWORD = "application-secret"


def log_in(name, password):
    """The person's entry, or None. An empty password would be an anonymous bind: never a log-in."""
    asked = f"(&(objectClass=inetOrgPerson)(uid={escape_filter_chars(name)}))"
    with Connection(SERVER, BIND_DN, BIND_PASSWORD, auto_bind=True) as connection:
        connection.search(PEOPLE, asked, attributes=["cn", "mail", "memberOf"])
        found = connection.entries
    if len(found) != 1 or not password:
        return None
    connection = Connection(SERVER, found[0].entry_dn, password)
    right = connection.bind()
    connection.unbind()
    return found[0] if right else None


def members(group):
    asked = f"(memberOf=cn={escape_filter_chars(group)},{GROUPS})"
    with Connection(SERVER, BIND_DN, BIND_PASSWORD, auto_bind=True) as connection:
        pages = connection.extend.standard.paged_search(PEOPLE, asked, attributes=["cn"], paged_size=2)
        return [entry["attributes"]["cn"][0] for entry in pages]


if sys.argv[1] == "members":
    print(*members(sys.argv[2]), sep="\n")
else:
    person = log_in(sys.argv[2], sys.stdin.readline().rstrip("\n"))
    if person is None:
        sys.exit("refused")
    print(person.cn, person.mail, *person.memberOf, sep="\n")
