"""What a real slapd changes without telling its consumers (memberOf, refint, names below a renamed unit): the gateway must be
right all the same, and each test first shows that slapd really was silent."""

from __future__ import annotations

from collections.abc import Iterator

import ldap
import pytest

from tests.app.installation import source_of
from tests.connectors.openldap_upstream import add_group, add_person, add_unit
from tests.scenarios.office import PEOPLE, Observer, Office, libldap
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

GROUPS_BELOW = "ou=groups,dc=example,dc=test"


@pytest.fixture(scope="module")
def observer(upstream: Slapd, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Observer]:
    office = Office(tmp_path_factory.mktemp("office"))
    office.configure(source_of(upstream, pki, "hr", "schedule_seconds = 3600"))
    with office.observed(office.application()) as observed:
        observed.must_see(upstream)
        yield observed


def read(upstream: Slapd, dn: str, attribute: str) -> list[str]:
    """An attribute as the upstream has it now."""
    connection = libldap(upstream.url, upstream.admin.dn, upstream.admin.password)
    try:
        [(_, found)] = connection.search_s(dn, ldap.SCOPE_BASE, attrlist=[attribute])
    finally:
        connection.unbind_s()
    return [value.decode() for value in found.get(attribute, [])]


def stamp(upstream: Slapd, dn: str) -> list[str]:
    """When a consumer was last told of the entry."""
    return read(upstream, dn, "entryCSN")


def test_a_membership_that_the_memberof_overlay_writes_is_seen_on_the_person(observer: Observer, upstream: Slapd) -> None:
    dn = add_person(upstream, "mia")
    observer.must_see(upstream)
    before = stamp(upstream, dn)
    group = add_group(upstream, "choir", dn)
    assert (read(upstream, dn, "memberOf"), stamp(upstream, dn)) == ([group], before), "the overlay was not silent"
    observer.must_see_promptly(upstream)
    assert list(observer.find(f"(memberOf=cn=choir,ou=groups,{PEOPLE.partition(',')[2]})", "1.1")) == [f"uid=mia,{PEOPLE}"]
    upstream.delete(group)
    observer.must_see_promptly(upstream)


def test_a_deleted_person_leaves_the_groups_that_refint_cleans(observer: Observer, upstream: Slapd) -> None:
    stays, goes = add_person(upstream, "stays"), add_person(upstream, "goes")
    group = add_group(upstream, "band", stays, goes)
    observer.must_see(upstream)
    before = stamp(upstream, group)
    upstream.delete(goes)
    assert (read(upstream, group, "member"), stamp(upstream, group)) == ([stays], before), "refint was not silent"
    observer.must_see_promptly(upstream)
    add_person(upstream, "goes")  # somebody else with the same name is not a member
    observer.must_see_promptly(upstream)


def test_a_renamed_person_stays_in_the_groups_in_which_refint_renames(observer: Observer, upstream: Slapd) -> None:
    dn = add_person(upstream, "maiden")
    group = add_group(upstream, "wedding", dn)
    observer.must_see(upstream)
    before = stamp(upstream, group)
    renamed = upstream.rename(dn, "uid=married")
    assert (read(upstream, group, "member"), stamp(upstream, group)) == ([renamed], before), "refint was not silent"
    observer.must_see_promptly(upstream)
    assert observer.serving.bind(f"uid=married,{PEOPLE}", "maiden-secret") == "success"


def test_people_below_a_renamed_unit_still_log_in_and_stay_in_their_groups(observer: Observer, upstream: Slapd) -> None:
    unit = add_unit(upstream, "old")
    add_unit(upstream, "inner", "ou=old,ou=people")
    dn = add_person(upstream, "child", "ou=inner,ou=old,ou=people")
    group = add_group(upstream, "family", dn)
    observer.must_see(upstream)
    before = stamp(upstream, dn), stamp(upstream, group)
    upstream.rename(unit, "ou=new")
    moved = dn.replace("ou=old", "ou=new")
    assert (stamp(upstream, moved), stamp(upstream, group)) == before, "slapd was not silent"
    observer.must_see_promptly(upstream)
    assert observer.serving.bind(f"uid=child,{PEOPLE}", "child-secret") == "success"
    assert observer.serving.bind(f"uid=child,{PEOPLE}", "wrong") == "invalidCredentials"
    # Whoever is told of later is found below the new name, and the old one may be used again.
    add_person(upstream, "sister", "ou=inner,ou=new,ou=people")
    add_unit(upstream, "old")
    add_person(upstream, "stranger", "ou=old,ou=people")
    observer.must_see_promptly(upstream)
    assert observer.serving.bind(f"uid=stranger,{PEOPLE}", "stranger-secret") == "success"


def test_a_person_moved_between_units_belongs_to_the_new_one_and_logs_in(observer: Observer, upstream: Slapd) -> None:
    add_unit(upstream, "here")
    there = add_unit(upstream, "there")
    dn = add_person(upstream, "mover", "ou=here,ou=people")
    group = add_group(upstream, "movers", dn)
    observer.must_see(upstream)
    identity, before = observer.ids()["mover"], stamp(upstream, group)
    moved = upstream.rename(dn, "uid=mover", there)
    assert (read(upstream, group, "member"), stamp(upstream, group)) == ([moved], before), "refint was not silent"
    observer.must_see_promptly(upstream)
    assert observer.ids()["mover"] == identity
    assert observer.serving.bind(f"uid=mover,{PEOPLE}", "mover-secret") == "success"
