"""Memberships: one that several sources state ends with the last of them."""

from gateway.model.objects import Kind, Member
from gateway.store.engine.database import Database
from gateway.store.objects import memberships
from gateway.store.operations import source_state


def test_a_member_that_two_sources_state_is_listed_once_and_stays_until_neither_does(database: Database) -> None:
    member = Member(Kind.USER, "u001")
    pair = [("g001", member)]
    for source in ("crm", "hr"):
        database.write_blocking(lambda c, s=source: source_state.ensure(c, s, "ldap"))  # type: ignore[misc]
        database.write_blocking(lambda c, s=source: memberships.add(c, s, pair))  # type: ignore[misc]
        database.write_blocking(lambda c, s=source: memberships.add(c, s, pair))  # type: ignore[misc]
    assert database.read_blocking(lambda c: memberships.members(c, "g001", "", 10)) == [member]
    (membership,) = database.read_blocking(lambda c: memberships.groups_of(c, "u001", "", 10))
    assert (membership.source_id, membership.source_type) == ("crm", "ldap")
    database.write_blocking(lambda c: memberships.remove(c, "crm", pair))
    assert database.read_blocking(lambda c: memberships.existing(c, ["g001"], ["u001"])) == {("g001", "u001")}
    database.write_blocking(lambda c: memberships.remove(c, "hr", pair))
    assert database.read_blocking(lambda c: memberships.members_of(c, ["g001"])) == {}


def test_members_and_groups_come_in_pages(database: Database) -> None:
    pairs = [(f"g{g:03}", Member(Kind.USER, f"u{u:03}")) for g in range(3) for u in range(5)]
    database.write_blocking(lambda c: memberships.add(c, "hr", pairs))
    assert [m.id for m in database.read_blocking(lambda c: memberships.members(c, "g001", "u001", 2))] == ["u002", "u003"]
    found = database.read_blocking(lambda c: memberships.groups_of(c, "u004", "g000", 9))
    assert [membership.group_id for membership in found] == [
        "g001",
        "g002",
    ]
    assert database.read_blocking(lambda c: memberships.count_members(c, "g002", Kind.USER)) == 5
    assert database.read_blocking(lambda c: memberships.group_ids_of(c, ["u000"])) == {"u000": {"g000", "g001", "g002"}}
