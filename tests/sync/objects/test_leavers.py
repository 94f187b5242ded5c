"""Leavers are disabled at once and deleted when the grace period is over; one that comes back before is the same user again."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gateway.model.changes import ChangeType
from gateway.model.edits import Edit
from gateway.model.errors import Conflict
from gateway.model.objects import Kind, Member, User
from gateway.model.records import Situation
from gateway.model.runs import Outcome
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection
from gateway.store.objects import groups, memberships, passwords, users
from gateway.store.operations import source_state
from gateway.store.records import leavers, records
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import InboundSettings
from gateway.sync.local.source import LocalDoor
from gateway.sync.review.link_decisions import Decisions, RecordName
from gateway.sync.rules.correlation import Reaction
from tests.sync.linked_records import in_three_sources, tie, without_login
from tests.sync.synced_store import Store, gone, group, person, present, renamed, unit

ANNA_GONE = gone(Kind.USER, "u:anna")


def users_log(store: Store, after: int) -> list[tuple[ChangeType, bool]]:
    changes = [(change.type, change.object) for change in store.log(after) if change.kind is Kind.USER]
    return [(kind, isinstance(thing, User) and thing.enabled) for kind, thing in changes]


def give_credentials(store: Store, user_id: str) -> None:
    def work(connection: Connection) -> None:
        program, _ = applications.add(connection, "phone", now=store.time)
        application_passwords.add(connection, user_id, program.id, "phone", now=store.time)
        passwords.set_local(connection, user_id, "hash", by="test", now=store.time)
        passwords.keep_verifier(connection, user_id, "hr", "hash", store.time)

    store.database.write_blocking(work)
    assert credentials(store, user_id) == (1, "hash", True)


NO_CREDENTIALS = (0, None, False)


def credentials(store: Store, user_id: str) -> tuple[int, str | None, bool]:
    """The number of application passwords, the local password's hash, whether there is an offline verifier."""

    def work(connection: Connection) -> tuple[int, str | None, bool]:
        verifier = passwords.verifier(connection, user_id, "hr")
        named = application_passwords.of_user(connection, user_id)
        return len(named), passwords.local_hash(connection, user_id), verifier is not None

    return store.database.read_blocking(work)


def members(store: Store, name: str) -> set[Member]:
    def work(connection: Connection) -> set[Member]:
        [group_id] = groups.same_name(connection, name)
        return set(memberships.members(connection, group_id, "", 100))

    return store.database.read_blocking(work)


def expire(store: Store, source: str = "hr") -> None:
    door = store.door("local")
    overdue = store.database.read_blocking(lambda c: leavers.due(c, source, store.time, 1000))
    store.database.write_blocking(lambda c: door.expire(c, overdue))


def test_a_leaver_is_disabled_at_once_and_leaves_the_groups(both_stores: Store) -> None:
    store = both_stores
    store.apply(unit("sales"), person("anna", "ou=sales", title="Boss"), group("g", "uid=anna,ou=sales", logins=["anna"]))
    before, number = store.user("anna"), store.last()
    store.database.write_blocking(lambda c: passwords.keep_verifier(c, before.id, "hr", "hash", store.time))
    applied = store.apply(ANNA_GONE)
    assert applied.statistics.total(Outcome.DELETED) == 1
    anna = store.user("anna")
    assert anna == replace(before, enabled=False, gone_at=store.time, updated_at=store.time)
    assert store.database.read_blocking(lambda c: passwords.verifier(c, anna.id, "hr")) is None
    assert store.database.read_blocking(lambda c: records.accounts(c, anna.id)) == []
    assert users_log(store, number) == [(ChangeType.UPDATE, False)]
    assert store.directory().members == {"g": frozenset()}
    assert store.replayed() == store.directory()
    number = store.last()
    assert store.apply(ANNA_GONE).statistics.total(Outcome.DELETED) == 0
    store.compare(unit("sales"), group("g"))
    assert store.last() == number, "gone once is gone, however often it is said"


def test_a_leaver_that_comes_back_is_the_same_user_with_its_present_attributes(both_stores: Store) -> None:
    store = both_stores
    store.apply(person("anna", title="Boss"), person("bert"), group("g", "uid=bert", logins=["anna"]))
    before = store.user("anna")
    store.apply(ANNA_GONE)
    store.apply(person("anna", title="Head"))
    anna = store.user("anna")
    assert (anna.id, anna.enabled, anna.gone_at, anna.attributes) == (before.id, True, None, {"title": ("Head",)})
    assert store.directory().members == {"g": {"anna", "bert"}}, "the group at the source has named her all the time"
    assert store.replayed() == store.directory()
    assert store.database.read_blocking(lambda c: records.count_problems(c, "hr")) == {}


def test_the_very_same_report_and_even_that_it_is_there_brings_a_leaver_back(store: Store) -> None:
    store.apply(person("anna", title="Boss"), watermark=b"1")
    before = store.user("anna")
    for back in (person("anna", title="Boss"), present(person("anna"))):
        store.apply(ANNA_GONE)
        assert store.leavers() == {"anna"}
        store.apply(back)
        assert store.user("anna") == replace(before, updated_at=store.time)
    number = store.last()
    store.apply(person("anna", title="Boss"))
    assert store.last() == number


def test_a_leaver_that_comes_back_disabled_stays_disabled(store: Store) -> None:
    store.apply(person("anna"))
    store.apply(ANNA_GONE)
    store.apply(person("anna", enabled="false"))
    assert (store.user("anna").gone_at, store.user("anna").enabled) == (None, False)


@pytest.mark.parametrize("order", [1, -1], ids=["gone-first", "new-first"])
@pytest.mark.parametrize("at_once", [True, False])
def test_where_login_names_are_recognized_an_entry_that_was_made_anew_is_the_same_user(
    store: Store, order: int, at_once: bool
) -> None:
    store.rejoins_by_username = True
    store.apply(person("anna", title="Boss"), group("g", logins=["anna"]))
    before = store.user("anna")
    reports = [ANNA_GONE, person("Anna", "ou=x", external_id="new", title="Head")][::order]
    if at_once:
        store.apply(*reports)
    else:
        for report in reports:
            store.apply(report)
    anna = store.user("Anna")
    assert (anna.id, anna.enabled, anna.gone_at, anna.first("title")) == (before.id, True, None, "Head")
    assert store.leavers() == set()
    assert [account.external_id for account in store.database.read_blocking(lambda c: records.accounts(c, anna.id))] == ["new"]
    assert store.directory().members == {"g": {"Anna"}}
    assert store.replayed() == store.directory()
    store.apply(person("anna"))
    assert store.names() == {"Anna"}, "the old entry comes back beside the new one: its name is taken"


@pytest.mark.parametrize("order", [1, -1], ids=["gone-first", "new-first"])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("source", ["hr", "corp", "local"])
def test_law_14_who_gets_a_leavers_login_name_is_another_user_without_its_credentials(
    both_stores: Store, order: int, at_once: bool, source: str
) -> None:
    store = both_stores
    store.correlate("corp", "employee_number = employee_number")
    store.apply(person("bob", employee_number="7"), person("carl"), group("g", "uid=carl", logins=["bob"]))
    before = store.user("bob")
    give_credentials(store, before.id)
    fresh = person("Bob", "ou=x", external_id="new", title="Other", employee_number="8")
    if source == "local":
        store.apply(gone(Kind.USER, "u:bob"))
        door = LocalDoor(lambda: store.time)
        store.database.write_blocking(lambda c: door.create(c, Kind.USER, Edit({"username": ("Bob",)})))
    elif source == "hr" and at_once:
        store.apply(*[gone(Kind.USER, "u:bob"), fresh][::order])
    else:
        for report, of in [(gone(Kind.USER, "u:bob"), "hr"), (fresh, source)][::order]:
            store.apply(report, source=of)
        store.apply(caught_up=True, source=source)
    bob = store.user("bob")
    assert bob.id != before.id
    assert (bob.username, bob.enabled, bob.gone_at) == ("Bob", True, None)
    assert [credentials(store, user_id) for user_id in (before.id, bob.id)] == [NO_CREDENTIALS] * 2
    assert store.leavers() == {f"bob~{before.id}"}
    assert before.id not in {member.id for member in members(store, "g")}
    assert store.replayed() == store.directory()
    number = store.last()
    if source != "local":
        store.apply(fresh, source=source, caught_up=True)
        assert store.last() == number
    store.apply(person("bob", employee_number="7", title="Back"))
    back = store.database.read_blocking(lambda c: users.get(c, before.id))
    assert back is not None
    assert (back.username, back.enabled, back.first("title")) == (f"bob~{before.id}", True, "Back"), "the same external id"
    assert credentials(store, before.id) == NO_CREDENTIALS, "what has ended does not come back"
    assert store.replayed() == store.directory()
    if source != "local":
        store.apply(gone(Kind.USER, "new"), source=source)
        store.apply(person("bob", employee_number="7", title="Back again"), caught_up=True)
        assert store.user("bob").id == before.id, "the name is free again"


def test_a_leaver_that_has_given_its_name_up_does_not_get_it_back_by_an_edit(store: Store) -> None:
    store.correlate("corp", "username = username")
    store.apply(person("bob"))
    leaver = store.user("bob").id
    store.apply(gone(Kind.USER, "u:bob"))
    store.apply(person("bob", external_id="new"))
    door = LocalDoor(lambda: store.time)
    store.database.write_blocking(lambda c: door.change(c, Kind.USER, leaver, Edit({"gecos": ("B",)})))
    assert (store.names(), store.leavers()) == ({"bob"}, {f"bob~{leaver}"})
    assert store.replayed() == store.directory()


def test_a_record_finds_who_has_the_login_name_and_not_the_leaver_who_had_it(store: Store) -> None:
    store.apply(person("bob"))
    store.apply(gone(Kind.USER, "u:bob"))
    store.apply(person("bob", external_id="new"))
    store.correlate("corp", "username = username")
    store.apply(person("bob", external_id="c"), source="corp")
    accounts = store.database.read_blocking(lambda c: records.accounts(c, store.user("bob").id))
    assert {(one.source_id, one.external_id) for one in accounts} == {("hr", "new"), ("corp", "c")}


def test_a_reconciliation_that_meets_all_users_under_other_ids_finds_the_same_users(store: Store) -> None:
    store.rejoins_by_username = True
    store.apply(*(person(name) for name in ("anna", "bert")), group("g", logins=["anna"]))
    ids = {store.user(name).id for name in ("anna", "bert")}
    everybody = [person(name, external_id=f"new:{name}") for name in ("anna", "bert")]
    store.compare(*everybody, group("g", logins=["anna"]))
    assert {store.user(name).id for name in ("anna", "bert")} == ids
    assert store.leavers() == set()
    assert store.directory().members == {"g": {"anna"}}


def test_a_user_who_is_renamed_may_have_the_login_name_of_a_leaver(store: Store) -> None:
    store.apply(person("anna"), person("bert", external_id="2"))
    anna, bert = store.user("anna").id, store.user("bert").id
    store.apply(ANNA_GONE)
    assert store.apply(renamed(person("bert", external_id="2"), "anna")).problems == ()
    assert (store.user("anna").id, store.leavers()) == (bert, {f"anna~{anna}"})
    assert store.apply(person("anna", external_id="o"), source="other").problems, "a name that is in use stays where it is"
    assert store.replayed() == store.directory()


def test_a_user_that_another_source_still_has_does_not_leave(store: Store) -> None:
    anna = in_three_sources(store, {"hr": person("anna", title="Boss"), "corp": person("anna", title="Head")})
    store.apply(ANNA_GONE)
    assert (store.user("anna").id, store.user("anna").enabled, store.user("anna").first("title")) == (anna, True, "Head")
    assert store.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "u:anna")) is None
    store.apply(ANNA_GONE, source="corp")
    assert store.leavers() == {"anna"}


def test_a_report_about_groups_does_not_put_a_leaver_into_them(store: Store) -> None:
    store.apply(person("anna"), group("g", "uid=anna"))
    store.apply(ANNA_GONE)
    store.apply(group("g", "uid=anna", logins=["anna"]), group("h", "uid=anna"))
    assert store.directory().members == {"g": frozenset(), "h": frozenset()}
    store.apply(person("anna"))
    assert store.directory().members == {"g": {"anna"}, "h": {"anna"}}
    assert store.replayed() == store.directory()


def test_a_leaver_moves_along_with_its_unit_and_no_group_finds_it_there(store: Store) -> None:
    store.apply(unit("sales"), person("anna", "ou=sales"), group("g", "uid=anna,ou=sales"))
    store.apply(
        unit("market", external_id="o:sales"), ANNA_GONE, group("g", "uid=anna,ou=market"), group("h", "uid=anna,ou=market")
    )
    assert store.directory().members == {"g": frozenset(), "h": frozenset()}
    assert store.replayed() == store.directory()


def test_the_groups_that_are_made_here_have_a_leaver_again_when_it_is_back(store: Store) -> None:
    door = LocalDoor(lambda: store.time)
    store.apply(person("anna"), person("bert"))
    anna, bert = (Member(Kind.USER, store.user(name).id) for name in ("anna", "bert"))
    store.database.write_blocking(lambda c: door.create(c, Kind.GROUP, Edit({"name": ("circle",)}, added_members=(anna, bert))))
    other = store.database.write_blocking(lambda c: door.create(c, Kind.GROUP, Edit({"name": ("other",)}))).object_id
    store.apply(ANNA_GONE)
    assert store.directory().members["circle"] == {"bert"}
    store.database.write_blocking(lambda c: door.change(c, Kind.GROUP, other, Edit(added_members=(anna,))))
    assert store.directory().members["other"] == frozenset(), "a leaver is in no group"
    store.apply(person("anna"))
    assert store.directory().members == {"circle": {"anna", "bert"}, "other": {"anna"}}
    assert store.replayed() == store.directory()


def test_an_edit_of_a_leaver_does_not_enable_it(store: Store) -> None:
    store.apply(person("anna", title="Boss"))
    store.apply(ANNA_GONE)
    door, anna = LocalDoor(lambda: store.time), store.user("anna")
    store.database.write_blocking(lambda c: door.change(c, Kind.USER, anna.id, Edit({"gecos": ("A",), "enabled": ("true",)})))
    after = store.user("anna")
    assert (after.enabled, after.gone_at, after.first("gecos"), after.first("title")) == (False, anna.gone_at, "A", "Boss")


def test_a_leaver_whose_organization_goes_too_is_still_somewhere(store: Store) -> None:
    store.apply(unit("sales"), person("anna", "ou=sales"))
    store.apply(ANNA_GONE, gone(Kind.ORGANIZATION, "o:sales"))
    store.apply(person("anna", "ou=sales"))
    assert store.directory().users == {"anna": ("/",)}
    assert store.replayed() == store.directory()


@pytest.mark.parametrize("kept", [False, True])
def test_a_record_that_is_back_after_another_of_its_source_took_its_place_is_disputed(store: Store, kept: bool) -> None:
    for source in ("hr", "corp"):
        store.correlate(source, "employee_number = employee_number")
    store.deleted = Reaction.KEEP if kept else None
    store.apply(person("anna", external_id="1", employee_number="7"))
    anna = store.user("anna").id
    store.apply(gone(Kind.USER, "1"))
    store.apply(person("anna", external_id="c", employee_number="7"), source="corp")
    store.apply(person("anna", external_id="2", employee_number="7"))
    store.apply(person("anna", external_id="1", employee_number="7"))
    assert store.user("anna").id == anna
    accounts = store.database.read_blocking(lambda c: records.accounts(c, anna))
    assert [(one.source_id, one.external_id) for one in accounts] == [("corp", "c"), ("hr", "2")]
    [(_, disputed)] = store.database.read_blocking(lambda c: records.problems(c, "hr"))
    assert (disputed.external_id, disputed.situation) == ("1", Situation.DISPUTED)
    assert store.replayed() == store.directory()


def test_a_record_that_is_gone_cannot_be_decided_about(store: Store) -> None:
    store.apply(person("anna"), person("bert"))
    store.apply(ANNA_GONE)
    decisions = Decisions({"hr": store.door()}, store.door("local"), lambda: store.time)
    name = RecordName("hr", Kind.USER, "u:anna")
    bert, number = store.user("bert").id, store.last()
    for decide in (partial(decisions.link, object_id=bert), decisions.unlink, decisions.split):
        with pytest.raises(Conflict, match="is gone from its source"):
            store.database.write_blocking(partial(decide, name=name, by="test"))
    assert (store.last(), store.leavers()) == (number, {"anna"})


# ---- other reactions


def test_a_source_may_delete_at_once(store: Store) -> None:
    store.deleted = Reaction.DELETE
    store.apply(person("anna"))
    number = store.last()
    store.apply(ANNA_GONE)
    assert users_log(store, number) == [(ChangeType.DELETE, False)]


def test_a_kept_object_stays_as_it_is_and_follows_its_source_again_when_it_is_back(store: Store) -> None:
    store.deleted = Reaction.KEEP
    store.apply(unit("sales"), person("anna", "ou=sales", title="Boss"), group("g", "uid=anna,ou=sales"))
    before, number = store.directory(), store.last()
    store.apply(ANNA_GONE, gone(Kind.ORGANIZATION, "o:sales"))
    store.apply(group("g", "uid=anna,ou=sales"))
    assert store.last() == number
    assert store.directory() == before
    assert store.database.read_blocking(lambda c: records.count_problems(c, "hr")) == {Situation.DELETED: 2}
    expire(store)
    assert store.last() == number, "there is no grace period to be over"
    store.apply(unit("sales"), person("anna", "ou=sales", title="Head"))
    assert store.user("anna").first("title") == "Head"
    assert store.database.read_blocking(lambda c: records.count_problems(c, "hr")) == {}


# ---- the guard


def test_law_8_leavers_count_as_deletions_do(both_stores: Store) -> None:
    store = both_stores
    store.settings = InboundSettings(guard=Guard(users=2, percent=0, window_seconds=600))
    everybody = [person(f"p{number}") for number in range(6)]
    store.apply(*everybody)
    number = store.last()
    assert store.compare().held
    assert store.apply(*everybody).held == ""
    assert store.apply(*(gone(Kind.USER, f"u:p{number}") for number in range(3))).held
    assert (store.last(), store.leavers()) == (number, set()), "a wiped upstream disables nobody"
    assert store.apply(*everybody).held == ""
    store.apply(gone(Kind.USER, "u:p0"))
    store.apply(gone(Kind.USER, "u:p1"))
    assert "2 of whom had been disabled" in store.apply(gone(Kind.USER, "u:p2")).held
    store.apply(allow_deletions=True, caught_up=True)
    store.apply(gone(Kind.USER, "u:p3"))
    assert store.leavers() == {"p0", "p1", "p2", "p3"}
    state = store.database.read_blocking(lambda c: source_state.get(c, "hr"))
    assert state is not None
    assert state.deletions_allowed_at is not None


def test_leavers_do_not_count_among_the_users_of_a_source(store: Store) -> None:
    store.settings = InboundSettings(guard=Guard(users=0, percent=50, window_seconds=60))
    store.apply(*(person(f"p{number}") for number in range(4)))
    store.apply(gone(Kind.USER, "u:p0"), gone(Kind.USER, "u:p1"))
    store.time += timedelta(minutes=2)
    assert "would delete 2 of 2 users" in store.apply(gone(Kind.USER, "u:p2"), gone(Kind.USER, "u:p3")).held


# ---- the end of the grace period


def test_a_leaver_is_deleted_when_its_time_is_over_and_the_guard_does_not_stop_it(both_stores: Store) -> None:
    store = both_stores
    store.apply(person("anna"), person("bert"))
    store.apply(ANNA_GONE)
    number = store.last()
    expire(store)
    assert users_log(store, number) == [(ChangeType.DELETE, False)]
    assert (store.names(), store.leavers()) == ({"bert"}, set())
    assert store.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "u:anna")) is None
    store.apply(gone(Kind.USER, "u:bert"))
    store.apply(person("anna"))
    assert store.names() == {"anna"}
    assert store.replayed() == store.directory()


def test_of_two_records_of_leavers_the_second_to_expire_takes_the_user(store: Store) -> None:
    in_three_sources(store, {"hr": person("anna", title="Boss"), "corp": person("anna", external_id="c:anna")})
    store.apply(gone(Kind.USER, "c:anna"), source="corp")
    assert store.names() == {"anna"}
    store.apply(ANNA_GONE)
    assert store.leavers() == {"anna"}
    expire(store, "corp")
    assert store.leavers() == {"anna"}
    expire(store)
    assert store.leavers() == set()


def test_a_record_that_waits_beside_a_living_one_expires_alone(store: Store) -> None:
    store.apply(person("anna", title="Boss"))
    anna = store.user("anna").id
    store.apply(ANNA_GONE)
    tie(store, "corp", without_login("c", title="Head"), anna)
    assert (store.user("anna").id, store.user("anna").enabled, store.user("anna").first("title")) == (anna, True, "Head")
    number = store.last()
    expire(store)
    assert store.user("anna").id == anna
    assert store.last() == number
    assert store.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "u:anna")) is None


def test_a_leaver_that_is_back_under_another_name_is_not_the_user_that_has_the_old_name_now(store: Store) -> None:
    store.rejoins_by_username = True
    store.apply(person("ada", external_id="1"), person("bert"))
    ada = store.user("ada").id
    store.apply(gone(Kind.USER, "1"))
    store.apply(person("ada", external_id="2"), person("adele", external_id="1"))
    assert store.names() == {"ada", "adele", "bert"}
    assert store.user("adele").id == ada
