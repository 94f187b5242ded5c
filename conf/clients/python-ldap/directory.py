# python-ldap: log-in by search and bind, groups of a person, members of a group read in pages.
# Gateway: a view of kind openldap, an application (gateway application add sample-portal).
# Tested with python-ldap 3.4 from PyPI (python-ldap).
import sys

import ldap
from ldap.controls import SimplePagedResultsControl
from ldap.filter import filter_format

URL = "ldap://127.0.0.1:3890"
PEOPLE = "ou=people,dc=directory,dc=example"
GROUPS = "ou=groups,dc=directory,dc=example"
BIND_DN = "cn=sample-portal,ou=applications,dc=directory,dc=example"
BIND_PASSWORD = "application-secret"


def connected(dn=BIND_DN, password=BIND_PASSWORD):
    connection = ldap.initialize(URL)
    connection.simple_bind_s(dn, password)
    return connection


def log_in(name, password):
    """The person's attributes, or None. An empty password would be an anonymous bind: never a log-in."""
    asked = filter_format("(&(objectClass=inetOrgPerson)(uid=%s))", [name])
    found = connected().search_s(PEOPLE, ldap.SCOPE_SUBTREE, asked, ["cn", "mail", "memberOf"])
    if len(found) != 1 or not password:
        return None
    try:
        connected(found[0][0], password).unbind_s()
    except ldap.INVALID_CREDENTIALS:
        return None
    return found[0][1]


def members(group):
    connection, control = connected(), SimplePagedResultsControl(True, size=2, cookie="")
    asked = filter_format("(memberOf=cn=%s," + GROUPS + ")", [group])
    while True:
        message = connection.search_ext(PEOPLE, ldap.SCOPE_SUBTREE, asked, ["cn"], serverctrls=[control])
        _, found, _, [answer] = connection.result3(message)
        yield from (attributes["cn"][0].decode() for _, attributes in found)
        control.cookie = answer.cookie
        if not answer.cookie:
            break


if sys.argv[1] == "members":
    print(*members(sys.argv[2]), sep="\n")
else:
    person = log_in(sys.argv[2], sys.stdin.readline().rstrip("\n"))
    if person is None:
        sys.exit("refused")
    values = [person["cn"][0], person["mail"][0], *person.get("memberOf", [])]
    print(*(value.decode() for value in values), sep="\n")
