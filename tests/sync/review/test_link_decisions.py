"""An administrator's decision is carried out at once, is kept, and survives all that the sources report later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.model.applications import Scope
from gateway.model.changes import ChangeType
from gateway.model.edits import Edit
from gateway.model.errors import Conflict, InvalidInput, NotFound
from gateway.model.objects import Group, Kind, Member, Organization
from gateway.model.records import Situation
from gateway.store.clients import application_passwords, applications
from gateway.store.correlation import link_decisions
from gateway.store.correlation.link_decisions import Verdict
from gateway.store.engine.database import Connection
from gateway.store.objects import passwords, users
from gateway.sync.lifecycle.grace_period import GRACE_DAYS, GracePeriods
from gateway.sync.lifecycle.leaver_sweep import sweep
from gateway.sync.local.source import LocalDoor
from gateway.sync.review.link_decisions import Decided, Decisions, RecordName
from gateway.sync.rules.authority import Authority
from tests.sync.linked_records import AD, HR, record, without_login
from tests.sync.synced_store import Store, gone, group, person, unit


class Administrator:
    """An administrator of a store, who decides."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Callable[..., Decided]:
        def decide(*arguments: Any) -> Decided:
            store = self.store
            store.time += timedelta(seconds=1)
            sources = {source: store.door(source) for source in (AD, HR)}
            decisions = Decisions(sources, store.door("local"), lambda: store.time)
            decided: Decided = store.database.write_blocking(lambda c: getattr(decisions, name)(c, *arguments, "eve"))
            return decided

        return decide


def withdrawn(store: Store, name: RecordName) -> Decided:
    decisions = Decisions({HR: store.door(HR)}, store.door("local"), lambda: store.time)
    return store.database.write_blocking(lambda connection: decisions.withdraw(connection, name))


def of_hr(external_id: str, kind: Kind = Kind.USER) -> RecordName:
    return RecordName(HR, kind, external_id)


@pytest.fixture
def home(both_stores: Store) -> Store:
    """Anna of AD and of HR are one user; HR also has a group with her in it."""
    both_stores.correlate(HR, "employee_number = employee_number")
    both_stores.apply(person("anna", employee_number="7"), group("staff", "uid=anna"), source=AD)
    both_stores.apply(person("asmith", employee_number="7", title="Boss"), group("payroll", "uid=asmith"), source=HR)
    return both_stores


def check_log(store: Store) -> None:
    assert store.replayed() == store.directory()


def test_unlinking_takes_the_records_attributes_from_the_user_which_goes_on(home: Store) -> None:
    identifier = home.user("anna").id
    decided = Administrator(home).unlink(of_hr("u:asmith"))
    assert decided.object_id is None
    assert (home.user("anna").id, home.user("anna").first("title")) == (identifier, "")
    assert home.directory().members == {"staff": frozenset({"anna"}), "payroll": frozenset()}
    assert record(home, HR, "u:asmith").situation is Situation.UNLINKED
    check_log(home)


def test_an_unlinked_record_stays_so_whatever_the_source_reports_and_when_it_comes_back(home: Store) -> None:
    Administrator(home).unlink(of_hr("u:asmith"))
    for deltas in ((person("asmith", employee_number="7", title="New"),), (gone(Kind.USER, "u:asmith"),), ()):
        home.apply(*deltas, source=HR, caught_up=True, allow_deletions=True)
    home.apply(person("asmith", employee_number="7"), source=HR, caught_up=True)
    assert record(home, HR, "u:asmith").situation is Situation.UNLINKED
    assert home.names() == {"anna"}


def test_unlinking_and_linking_again_is_no_deletion_and_ends_where_it_began(home: Store) -> None:
    before, identifier, last = home.directory(), home.user("anna").id, home.last()
    Administrator(home).unlink(of_hr("u:asmith"))
    decided = Administrator(home).link(of_hr("u:asmith"), identifier)
    assert decided.object_id == identifier
    assert home.directory() == before
    assert {change.type for change in home.log(last)} == {ChangeType.UPDATE}
    assert record(home, HR, "u:asmith").decided_by == "person:eve"
    check_log(home)


def test_a_record_moves_to_another_user_with_its_attributes(home: Store) -> None:
    home.apply(person("bert", employee_number="8"), source=AD)
    anna, bert = home.user("anna").id, home.user("bert").id
    decided = Administrator(home).link(of_hr("u:asmith"), bert)
    assert decided.object_id == bert
    assert (home.user("anna").first("title"), home.user("bert").first("title")) == ("", "Boss")
    assert home.directory().members == {"staff": frozenset({"anna"}), "payroll": frozenset({"bert"})}
    home.apply(person("asmith", employee_number="7", title="More"), source=HR, caught_up=True)
    assert home.user("bert").first("title") == "More"
    assert (home.user("anna").id, home.user("bert").id) == (anna, bert)
    check_log(home)


def test_a_dispute_is_decided_and_the_decision_outlives_the_record(home: Store) -> None:
    home.apply(person("a2", employee_number="7", external_id="2", department=("d",)), source=HR)
    assert record(home, HR, "2").situation is Situation.DISPUTED
    anna = home.user("anna").id
    Administrator(home).link(of_hr("2"), anna)
    assert home.user("anna").first("department") == "d"
    home.apply(gone(Kind.USER, "2"), source=HR, allow_deletions=True)
    assert home.user("anna").first("department") == ""
    home.apply(person("a2", employee_number="other", external_id="2", department=("e",)), source=HR)
    assert home.user("anna").first("department") == "e"
    assert home.names() == {"anna"}
    check_log(home)


def test_a_record_that_is_split_off_has_a_user_of_its_own_also_when_it_comes_back(home: Store) -> None:
    anna = home.user("anna").id
    decided = Administrator(home).split(of_hr("u:asmith"))
    assert home.names() == {"anna", "asmith"}
    assert decided.object_id == home.user("asmith").id
    assert home.user("anna").id == anna
    assert home.directory().members["payroll"] == frozenset({"asmith"})
    home.apply(gone(Kind.USER, "u:asmith"), source=HR, allow_deletions=True)
    home.apply(person("asmith", employee_number="7"), source=HR, caught_up=True)
    assert home.names() == {"anna", "asmith"}
    [own] = [d for d in _decisions(home, "u:asmith") if d.verdict is Verdict.OWN]
    assert own.object_id == home.user("asmith").id
    check_log(home)


@pytest.mark.parametrize("decide", ["split", "unlink"])
def test_a_decision_that_is_withdrawn_leaves_the_record_to_the_rules(home: Store, decide: str) -> None:
    before, anna = home.directory(), home.user("anna").id
    eve = Administrator(home)
    getattr(eve, decide)(of_hr("u:asmith"))
    assert home.directory() != before
    decided = withdrawn(home, of_hr("u:asmith"))
    assert _decisions(home, "u:asmith") == []
    if decide == "split":  # its user has nothing else: that one stays, for no id goes by a second thought
        assert decided.object_id == home.user("asmith").id
        assert record(home, HR, "u:asmith").decided_by == "rule:create"
    else:
        assert (decided.object_id, home.directory()) == (anna, before)
    home.apply(person("asmith", employee_number="7", title="Boss"), source=HR, caught_up=True)
    assert home.names() == ({"anna", "asmith"} if decide == "split" else {"anna"})
    check_log(home)


def test_withdrawing_a_link_frees_the_record_for_the_rules(home: Store) -> None:
    home.apply(person("bert", employee_number="8"), source=AD)
    eve, before = Administrator(home), home.directory()
    eve.link(of_hr("u:asmith"), home.user("bert").id)
    assert withdrawn(home, of_hr("u:asmith")).object_id == home.user("anna").id
    assert home.directory() == before
    with pytest.raises(Conflict, match="nothing was decided"):
        withdrawn(home, of_hr("u:asmith"))
    check_log(home)


def test_splitting_a_record_that_cannot_be_a_user_changes_nothing(home: Store) -> None:
    home.apply(person("bert", employee_number="8"), source=AD)
    home.apply(without_login("9", employee_number="8", title="t"), source=HR)
    last = home.last()
    with pytest.raises(Conflict, match="no login name"):
        Administrator(home).split(of_hr("9"))
    assert (home.last(), _decisions(home, "9")) == (last, [])
    assert home.user("bert").first("title") == "t"


def test_a_user_whose_last_record_is_unlinked_is_disabled_and_is_the_same_when_it_is_linked_again(home: Store) -> None:
    home.apply(person("carl", employee_number="9"), group("club", "uid=carl"), source=HR)
    carl = home.user("carl").id
    Administrator(home).unlink(of_hr("u:carl"))
    assert (home.user("carl").enabled, home.user("carl").gone_at) == (False, home.time)
    home.apply(person("carl", employee_number="9"), source=HR, caught_up=True)
    assert home.user("carl").enabled is False
    Administrator(home).link(of_hr("u:carl"), carl)
    user = home.user("carl")
    assert (user.id, user.enabled, user.gone_at) == (carl, True, None)
    assert home.directory().members["club"] == frozenset({"carl"})
    check_log(home)


def test_a_user_of_whom_no_record_is_left_is_deleted_when_the_time_of_grace_is_over(home: Store) -> None:
    home.apply(person("carl", employee_number="9"), source=HR)
    Administrator(home).unlink(of_hr("u:carl"))
    home.time += timedelta(days=GRACE_DAYS, seconds=-1)
    assert _swept(home) == 0
    home.time += timedelta(seconds=1)
    assert (_swept(home), _swept(home), home.names()) == (1, 0, {"anna"})
    assert home.database.read_blocking(lambda c: users.id_by_username(c, "carl")) is None
    assert record(home, HR, "u:carl").situation is Situation.UNLINKED
    check_log(home)


def test_a_group_whose_last_record_is_unlinked_is_deleted(home: Store) -> None:
    Administrator(home).unlink(of_hr("g:payroll", Kind.GROUP))
    assert home.directory().members == {"staff": frozenset({"anna"})}
    check_log(home)


def test_a_decision_about_a_missing_record_or_object_is_refused(home: Store) -> None:
    anna = home.user("anna").id
    with pytest.raises(NotFound, match="no user record nobody of source hr"):
        Administrator(home).link(of_hr("nobody"), anna)
    with pytest.raises(NotFound, match="there is no user x"):
        Administrator(home).link(of_hr("u:asmith"), "x")
    with pytest.raises(InvalidInput, match="name two"):
        Administrator(home).merge(Kind.USER, anna, anna)


# ---- merging


def test_two_users_become_one_and_the_one_that_is_named_keeps_its_id(home: Store) -> None:
    home.apply(person("a.smith", external_id="9", mobile_number=("1",)), group("third", "uid=a.smith"), source="crm")
    kept, lost = home.user("anna").id, home.user("a.smith").id
    last = home.last()
    decided = Administrator(home).merge(Kind.USER, kept, lost)
    assert decided.object_id == kept
    assert home.names() == {"anna"}
    assert home.user("anna").first("mobile_number") == "1"
    assert home.directory().members["third"] == frozenset({"anna"})
    changes = [(change.object_id, change.type) for change in home.log(last) if change.kind is Kind.USER]
    assert (lost, ChangeType.DELETE) in changes
    assert (kept, ChangeType.UPDATE) in changes
    home.apply(person("a.smith", external_id="9", mobile_number=("2",)), source="crm", caught_up=True)
    assert (home.names(), home.user("anna").first("mobile_number")) == ({"anna"}, "2")
    check_log(home)


def test_local_edits_go_over_when_users_become_one(home: Store) -> None:
    local = LocalDoor(lambda: home.time)

    def write(work: Callable[..., Any]) -> Any:
        return home.database.write_blocking(work)

    made = write(lambda c: local.create(c, Kind.USER, Edit({"username": ("made",), "title": ("t",), "nick": ("n",)})))
    club = write(
        lambda c: local.create(c, Kind.GROUP, Edit({"name": ("club",)}, added_members=(Member(Kind.USER, made.object_id),)))
    )
    application, _ = write(lambda c: applications.add(c, "mail", now=home.time))
    write(lambda c: passwords.set_local(c, made.object_id, "hash", by="eve", now=home.time))
    write(lambda c: application_passwords.add(c, made.object_id, application.id, "phone", now=home.time))
    anna = home.user("anna").id
    Administrator(home).merge(Kind.USER, anna, made.object_id)
    user = home.user("anna")
    assert (user.id, user.first("title"), user.first("nick")) == (anna, "Boss", "n")
    assert home.directory().members["club"] == frozenset({"anna"})
    assert home.database.read_blocking(lambda c: passwords.local_hash(c, anna)) == "hash"
    assert [one.name for one in home.database.read_blocking(lambda c: application_passwords.of_user(c, anna))] == ["phone"]
    assert home.database.read_blocking(lambda c: users.get(c, made.object_id)) is None
    assert club.object_id
    check_log(home)


def test_the_last_record_of_a_user_takes_everything_of_it_along(home: Store) -> None:
    home.apply(person("carl", employee_number="9", nick="c"), source=HR)
    home.apply(person("bert"), source=AD)
    carl, bert = home.user("carl").id, home.user("bert").id
    home.database.write_blocking(lambda c: passwords.set_local(c, carl, "hash", by="eve", now=home.time))
    Administrator(home).link(of_hr("u:carl"), bert)
    assert home.names() == {"anna", "bert"}
    assert home.user("bert").first("nick") == "c"
    assert home.database.read_blocking(lambda c: passwords.local_hash(c, bert)) == "hash"
    check_log(home)


def test_a_name_that_comes_along_is_had_at_once(home: Store) -> None:
    home.authority = Authority(order=("crm",))
    home.apply(person("boss", external_id="9"), source="crm")
    Administrator(home).merge(Kind.USER, home.user("anna").id, home.user("boss").id)
    assert home.names() == {"boss"}
    check_log(home)


def ids(store: Store, kind: Kind, source: str) -> dict[str, str]:
    """The ids of what a source has made, by name."""
    log = [change for change in store.log() if change.kind is kind and change.source_id == source]
    return {change.object.name: change.object_id for change in log if isinstance(change.object, (Organization, Group))}


def test_organizations_become_one_with_what_is_in_them(home: Store) -> None:
    home.apply(unit("Sales"), person("dora", "ou=Sales"), source=AD)
    home.apply(unit("Vertrieb"), unit("Nord", "ou=Vertrieb"), person("emil", "ou=Vertrieb"), source=HR)
    sales, vertrieb = ids(home, Kind.ORGANIZATION, AD)["Sales"], ids(home, Kind.ORGANIZATION, HR)["Vertrieb"]
    Administrator(home).merge(Kind.ORGANIZATION, sales, vertrieb)
    assert home.directory().organizations == {"/", "/Sales/", "/Sales/Nord/"}
    assert home.path(home.user("emil")) == "/Sales/"
    check_log(home)


def test_groups_become_one_with_the_members_of_both(home: Store) -> None:
    home.apply(person("bert"), group("payroll", "uid=bert"), source=AD)
    Administrator(home).merge(Kind.GROUP, ids(home, Kind.GROUP, AD)["payroll"], ids(home, Kind.GROUP, HR)["payroll"])
    assert home.directory().members["payroll"] == frozenset({"anna", "bert"})
    check_log(home)


@pytest.mark.parametrize("kind", [Kind.ORGANIZATION, Kind.GROUP])
def test_applications_that_saw_what_was_merged_see_what_it_is_now(home: Store, kind: Kind) -> None:
    home.apply(person("bert"), unit("Sales"), group("payroll", "uid=bert"), source=AD)
    home.apply(unit("Vertrieb"), source=HR)
    names = ("Sales", "Vertrieb") if kind is Kind.ORGANIZATION else ("payroll", "payroll")
    kept, lost = ids(home, kind, AD)[names[0]], ids(home, kind, HR)[names[1]]
    scopes = {
        "both": Scope((kept, lost), (kept, lost)),
        "lost": Scope((lost,), (lost,)),
        "all": Scope(),
        "none": Scope((), ()),
    }

    def add(connection: Connection) -> dict[str, str]:
        return {name: applications.add(connection, name, now=home.time, scope=scope)[0].id for name, scope in scopes.items()}

    added = home.database.write_blocking(add)
    decided = Administrator(home).merge(kind, kept, lost)
    now = {one.id: one.scope for one in home.database.read_blocking(applications.all_applications)}
    seen = {name: (now[identifier].organization_ids, now[identifier].group_ids) for name, identifier in added.items()}
    assert seen == {
        "both": ((kept,), (kept,)),
        "lost": ((kept,), (kept,)),
        "all": (Scope().organization_ids, None),
        "none": ((), ()),
    }
    assert [problem.partition(" may see")[0] for problem in decided.problems] == [
        "the application both",
        "the application lost",
    ]


def test_an_organization_that_is_unlinked_leaves_what_was_in_it_by_its_place(home: Store) -> None:
    home.correlate(HR, "path", kind=Kind.ORGANIZATION)
    home.apply(unit("Sales"), source=AD)
    home.apply(unit("Sales"), person("emil", "ou=Sales"), source=HR)
    assert home.path(home.user("emil")) == "/Sales/"
    Administrator(home).unlink(of_hr("o:Sales", Kind.ORGANIZATION))
    assert home.path(home.user("emil")) == "/"
    check_log(home)


def _swept(store: Store) -> int:
    return store.database.write_blocking(
        lambda c: sweep(c, store.door("local"), GracePeriods({HR: GRACE_DAYS, AD: GRACE_DAYS}))
    )


def _decisions(store: Store, external_id: str) -> list[link_decisions.LinkDecision]:
    found = store.database.read_blocking(lambda c: link_decisions.of_records(c, HR, Kind.USER, [external_id]))
    return found.get(external_id, [])
