"""Law 16 over LDAP: whatever entry a view shows, it can be deleted, and added again as it was shown; then it is shown the same,
but for what the server gives to each entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap
import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from gateway.directory.projection import view_kinds
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_overrides import Posix, with_posix
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN
from gateway.sync.objects.posix_allocation import PosixNumbers, Range
from tests.app.installation import until
from tests.frontends.ldap.serving import Serving, blocking
from tests.frontends.ldap.writable_world import BASE, GROUPS, PEOPLE, UNITS, Client, WritableWorld

OF_THE_DOMAIN = frozenset({"objectGUID", "objectSid", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged"})

OTHERS: dict[str, View] = {
    "openldap": view_kinds.openldap("other", DN.parse("dc=other,dc=test")),
    "posix": with_posix(
        view_kinds.openldap("other", DN.parse("dc=other,dc=test")), Posix(home="/home/{username}", shell="/bin/sh")
    ),
    "tree": view_kinds.tree("other", DN.parse("dc=other,dc=test")),
    "ad": view_kinds.active_directory("other", DN.parse("dc=other,dc=test")),
    "custom": view_kinds.custom("other", DN.parse("dc=other,dc=test")),
}


@pytest.fixture(params=OTHERS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WritableWorld]:
    numbers = PosixNumbers(Range(20000, 20099), Range(20000, 20099)) if request.param == "posix" else None
    main = view_kinds.openldap("main", DN.parse(BASE))
    made = WritableWorld(tmp_path, numbers, (main, OTHERS[request.param]))
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def serving(desk: WritableWorld) -> Iterator[Serving]:
    world: Any = desk
    started = Serving(world, writer=desk.writer)
    yield started
    pytest_twisted.blockon(ensureDeferred(started.end()))


def made_here(portal: Client) -> None:
    """Make people, groups and units, with all that may be said of them."""
    north = f"ou=north,{UNITS}"
    portal.add(north, objectClass=["organizationalUnit"], description="cold", l="Kiel")
    portal.add(f"ou=inner,{north}", objectClass=["organizationalUnit"])
    portal.add(f"ou=empty,{north}", objectClass=["organizationalUnit"], description="nobody here", l="Kiel")
    portal.add(f"uid=lea,{PEOPLE}", cn=["Lea Lund", "Lea"], sn="Lund", mail=["lea@x", "l@x"], title="Queen", ou="north")
    portal.add(f"uid=kim,{PEOPLE}", cn="Kim", sn="Kant", givenName="Kim", ou=["inner", "north"])
    portal.add(f"uid=max,{PEOPLE}", cn="Max", sn="M", telephoneNumber="+49 1", userCertificate=None)
    both = {"objectClass": ["groupOfNames", "posixGroup"], "gidNumber": "77"}
    portal.add(f"cn=circle,{GROUPS}", **both, member=[f"uid=lea,{PEOPLE}", f"uid=max,{PEOPLE}"], description="round")
    portal.add(f"cn=outer,{GROUPS}", objectClass=["groupOfNames"], member=[f"cn=circle,{GROUPS}", f"uid=kim,{PEOPLE}"])


@blocking
def test_law_16_what_a_view_shows_is_added_again_as_it_was_shown(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    made_here(portal)
    own = {"lea", "kim", "max", "lea lund", "circle", "outer", "empty"}

    def names() -> list[str]:
        found = sorted(portal.names("dc=other,dc=test"))
        return [name for name in found if name.partition(",")[0].partition("=")[2].lower() in own]

    until(lambda: len(names()) == 6, "the other view has what was added in the main one")
    for name in names():
        shown = whole(portal, name)
        portal.ldap.delete_s(name)
        portal.ldap.add_s(name, list(shown.items()))
        again = whole(portal, name)
        assert {key: set(values) for key, values in again.items()} == {key: set(values) for key, values in shown.items()}


def whole(portal: Client, name: str) -> dict[str, list[bytes]]:
    """Return what a client sees without asking for operational attributes, but for those that views of kind `ad` show unasked,
    as a domain does: nobody writes them there either."""
    [(_, entry)] = portal.ldap.search_s(name, ldap.SCOPE_BASE)
    types = {key: schema.ATTRIBUTE_TYPES[key.partition(";")[0].lower()] for key in entry}
    return {key: values for key, values in entry.items() if not types[key].operational and key not in OF_THE_DOMAIN}


@blocking
def test_a_person_belongs_to_the_organizations_that_the_entry_names(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    made_here(portal)
    assert portal.read(f"uid=kim,{PEOPLE}", "ou") == {"ou": ["inner", "north"]}
    new = {"cn": "N", "sn": "N"}
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "no organization is named 'south' here"):
        portal.add(f"uid=new,{PEOPLE}", **new, ou="south")
    portal.add(f"ou=north,ou=inner,ou=north,{UNITS}", objectClass=["organizationalUnit"])
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "several organizations are named 'north'"):
        portal.add(f"uid=new,{PEOPLE}", **new, ou="north")
