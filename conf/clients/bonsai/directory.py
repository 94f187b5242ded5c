# bonsai: log-in by search and bind, groups of a person, members of a group read in pages; asyncio.
# Gateway: a view of kind openldap, an application (gateway application add sample-portal).
# Tested with bonsai 1.5 from PyPI (bonsai).
import asyncio
import sys

import bonsai
from bonsai import LDAPClient, LDAPSearchScope

URL = "ldap://127.0.0.1:3890"
PEOPLE = "ou=people,dc=directory,dc=example"
GROUPS = "ou=groups,dc=directory,dc=example"
BIND_DN = "cn=sample-portal,ou=applications,dc=directory,dc=example"
BIND_PASSWORD = "application-secret"


def connected(dn=BIND_DN, password=BIND_PASSWORD):
    client = LDAPClient(URL)
    client.set_credentials("SIMPLE", user=dn, password=password)
    return client.connect(is_async=True)


async def log_in(name, password):
    """The person's entry, or None. An empty password would be an anonymous bind: never a log-in."""
    asked = f"(&(objectClass=inetOrgPerson)(uid={bonsai.escape_filter_exp(name)}))"
    async with connected() as connection:
        found = await connection.search(PEOPLE, LDAPSearchScope.SUBTREE, asked, ["cn", "mail", "memberOf"])
    if len(found) != 1 or not password:
        return None
    try:
        async with connected(str(found[0].dn), password):
            return found[0]
    except bonsai.AuthenticationError:
        return None


async def members(group):
    asked = f"(memberOf=cn={bonsai.escape_filter_exp(group)},{GROUPS})"
    async with connected() as connection:
        pages = await connection.paged_search(PEOPLE, LDAPSearchScope.SUBTREE, asked, ["cn"], page_size=2)
        return [entry["cn"][0] async for entry in pages]


if sys.argv[1] == "members":
    print(*asyncio.run(members(sys.argv[2])), sep="\n")
else:
    person = asyncio.run(log_in(sys.argv[2], sys.stdin.readline().rstrip("\n")))
    if person is None:
        sys.exit("refused")
    print(person["cn"][0], person["mail"][0], *person.get("memberOf", []), sep="\n")
