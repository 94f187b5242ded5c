"""Who is disabled by a source stays disabled when they leave it, until somebody says otherwise; and a person may disable."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from gateway.model.deltas import Delta
from gateway.model.edits import Edit
from gateway.model.errors import Conflict
from gateway.model.objects import Kind
from gateway.store.objects import disablements, users
from gateway.store.objects.disablements import Disablement
from gateway.store.records import former_accounts
from gateway.sync.deletion_guard import Guard
from gateway.sync.lifecycle import source_retirement
from gateway.sync.local.edit_checks import MasteredElsewhere
from gateway.sync.local.source import LocalDoor, Written
from gateway.sync.review.explanation import Explanation, explain
from gateway.sync.review.link_decisions import Decisions, RecordName
from gateway.sync.rules.authority import Authority, Rule
from gateway.sync.rules.correlation import Reaction
from tests.sync.linked_records import tie, without_login
from tests.sync.synced_store import Store, gone, person, unit

USER = Kind.USER
CORP_GONE = gone(USER, "u:anna")
ENABLE = Edit({"enabled": ("true",)})


def at_corp(**attributes: str) -> Delta:
    return person("anna", mail="anna@corp", **attributes)


def at_partner(**attributes: str) -> Delta:
    return person("anna", "ou=partner", external_id="p1", **attributes)


def in_both(store: Store, partner: Delta | None = None) -> None:
    """Anna, whom corp has disabled and partner has not."""
    store.authority = Authority(("corp", "partner"))
    store.apply(at_corp(enabled="false"), source="corp")
    tie(store, "partner", partner or at_partner(enabled="true"), store.user("anna").id)
    assert is_out(store)


def is_out(store: Store) -> bool:
    return not store.user("anna").enabled


def door(store: Store) -> LocalDoor:
    return LocalDoor(lambda: store.time, authority=store.authority)


def edit(store: Store, change: Edit) -> Written:
    return store.database.write_blocking(partial(door(store).change, kind=USER, object_id=store.user("anna").id, edit=change))


def disable(store: Store) -> Written:
    return store.database.write_blocking(
        partial(door(store).disable, user_id=store.user("anna").id, by="root", reason="phished")
    )


def enable(store: Store) -> Written:
    return store.database.write_blocking(partial(door(store).enable, user_id=store.user("anna").id))


def standing(store: Store) -> list[tuple[str, str]]:
    found: list[Disablement] = store.database.read_blocking(disablements.every)
    return [(one.source_id, one.decided_by) for one in found]


def explained(store: Store) -> Explanation:
    user = store.user("anna")
    return store.database.read_blocking(partial(explain, kind=USER, thing=user, authority=store.authority))


def leaves(store: Store) -> None:
    store.apply(CORP_GONE, source="corp")


def is_missed(store: Store) -> None:
    store.compare(source="corp", allow_deletions=True)


def is_terminated(store: Store) -> None:
    list(source_retirement.terminate(store.database.write_blocking, store.door("corp")))


def is_finalized(store: Store) -> None:
    list(source_retirement.finalize(store.database.write_blocking, store.door("local"), "corp"))


def loses_its_name(store: Store) -> None:
    store.apply(person("anna", username=(), enabled="false"), source="corp")


@pytest.mark.parametrize("goes", [leaves, is_missed, is_terminated, is_finalized, loses_its_name])
@pytest.mark.parametrize("partner", [at_partner(enabled="true"), at_partner()], ids=["enabled", "silent"])
def test_whom_the_deciding_source_disabled_stays_disabled_when_it_has_them_no_more(
    store: Store, goes: Callable[[Store], None], partner: Delta
) -> None:
    in_both(store, partner)
    number = store.last()
    goes(store)
    assert is_out(store)
    store.apply(at_partner(title="Boss", enabled="true"), source="partner")
    store.apply(unit("x"), source="partner", caught_up=True)
    assert is_out(store)
    assert not any(change.object.enabled for change in store.log(number) if change.object and change.kind is USER)  # type: ignore[union-attr]


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("repeated", [(), (CORP_GONE,)], ids=["once", "gone twice"])
def test_whom_the_deciding_source_disables_and_deletes_in_one_batch_stays_disabled(
    store: Store, held: bool, repeated: tuple[Delta, ...]
) -> None:
    in_both(store)
    store.apply(at_corp(enabled="true"), source="corp")
    assert not is_out(store)
    if held:
        store.settings = replace(store.settings, guard=Guard(users=0, organizations=0, groups=0, percent=0))
    batch = (at_corp(enabled="false"), CORP_GONE, *repeated)
    store.apply(*batch, source="corp")
    assert is_out(store), "held or not"
    number = store.last()
    store.apply(*batch, source="corp")
    assert store.last() == number, "a repetition says nothing"
    store.apply(*batch, source="corp", allow_deletions=True, caught_up=True)
    store.apply(at_partner(title="Boss", enabled="true"), source="partner")
    assert (is_out(store), standing(store)) == (True, [("corp", "rule:left")])


def test_whom_it_disables_deletes_and_has_again_in_one_batch_is_as_it_says_last(store: Store) -> None:
    in_both(store)
    store.apply(at_corp(enabled="false"), CORP_GONE, at_corp(enabled="true"), source="corp")
    assert (is_out(store), standing(store)) == (False, [])


def test_it_is_so_on_both_stores_and_ends_when_the_source_has_them_again(both_stores: Store) -> None:
    store = both_stores
    in_both(store)
    leaves(store)
    assert standing(store) == [("corp", "rule:left")]
    store.apply(at_corp(enabled="false"), source="corp")
    tie(store, "corp", at_corp(enabled="false"), store.user("anna").id)
    assert (is_out(store), standing(store)) == (True, []), "corp itself says it again"
    store.apply(at_corp(enabled="true"), source="corp")
    assert not is_out(store)


def test_a_user_who_was_enabled_when_they_left_stays_enabled(store: Store) -> None:
    in_both(store)
    store.apply(at_corp(enabled="true"), source="corp")
    leaves(store)
    assert (is_out(store), standing(store)) == (False, [])


def test_leaving_a_source_that_does_not_decide_keeps_nothing_disabled(store: Store) -> None:
    in_both(store, at_partner(enabled="false"))
    store.apply(at_corp(enabled="true"), source="corp")
    store.apply(gone(USER, "p1"), source="partner")
    assert (is_out(store), standing(store)) == (False, [])


def test_a_leaver_who_was_disabled_stays_so_when_another_source_brings_them_back(store: Store) -> None:
    store.authority = Authority(("corp", "partner"))
    store.apply(at_corp(enabled="false"), source="corp")
    anna = store.user("anna").id
    leaves(store)
    tie(store, "partner", without_login("p1", enabled="true"), anna)
    assert (store.user("anna").id, store.user("anna").gone_at, is_out(store)) == (anna, None, True)


def test_a_source_that_may_decide_ends_it_by_changing_its_mind_and_by_nothing_else(store: Store) -> None:
    in_both(store)
    leaves(store)
    tie(store, "third", person("anna", external_id="t1", enabled="true"), store.user("anna").id)
    assert is_out(store), "what another source says of them for the first time is not what somebody says now"
    store.apply(at_partner(), source="partner")
    store.apply(at_partner(enabled="true"), source="partner")
    assert is_out(store)
    store.apply(at_partner(enabled="false"), source="partner")
    store.apply(at_partner(enabled="true"), source="partner")
    assert (is_out(store), standing(store)) == (False, [])


def test_a_source_that_may_not_decide_does_not_end_it(store: Store) -> None:
    in_both(store)
    store.authority = Authority(("corp", "partner"), {USER: {"enabled": Rule(("corp",))}})
    leaves(store)
    for value in ("false", "true"):
        store.apply(at_partner(enabled=value), source="partner")
    assert is_out(store)


@pytest.mark.parametrize("end", [lambda store: edit(store, ENABLE), enable], ids=["edit", "enable"])
def test_a_person_ends_it_as_often_as_it_happens(store: Store, end: Callable[[Store], Written]) -> None:
    in_both(store)
    for _ in range(2):
        leaves(store)
        assert is_out(store)
        end(store)
        assert (is_out(store), standing(store)) == (False, [])
        tie(store, "corp", at_corp(enabled="false"), store.user("anna").id)
        assert is_out(store), "the source itself goes on to decide"
    with pytest.raises(MasteredElsewhere):
        edit(store, ENABLE)
    enable(store)
    assert is_out(store)


def test_what_an_administrator_disables_only_an_administrator_enables(both_stores: Store) -> None:
    store = both_stores
    in_both(store)
    store.apply(at_corp(enabled="true"), source="corp")
    disable(store)
    assert is_out(store)
    for value in ("false", "true"):
        store.apply(at_corp(enabled=value), source="corp")
        assert is_out(store)
    with pytest.raises(Conflict, match="gateway user enable"):
        edit(store, ENABLE)
    edit(store, Edit({"description": ("x",)}))
    leaves(store)
    store.apply(gone(USER, "p1"), source="partner")
    store.apply(at_partner(enabled="true"), source="partner")
    assert (is_out(store), standing(store)) == (True, [("local", "person:root")])
    enable(store)
    assert not is_out(store)
    assert store.replayed() == store.directory()


def test_a_user_that_was_made_here_can_be_disabled_and_enabled(store: Store) -> None:
    made = Edit({"username": ("anna",), "enabled": ("false",)})
    store.database.write_blocking(partial(door(store).create, kind=USER, edit=made))
    enable(store)
    assert not is_out(store)
    disable(store)
    assert is_out(store)
    enable(store)
    assert not is_out(store)


def test_it_goes_with_the_user_and_over_to_the_one_that_they_are_merged_into(store: Store) -> None:
    in_both(store)
    leaves(store)
    store.apply(person("bert"), source="third")
    kept, lost = store.user("bert").id, store.user("anna").id
    decisions = Decisions({}, store.door("local"), lambda: store.time)
    store.database.write_blocking(lambda c: decisions.merge(c, USER, kept, lost, "root"))
    merged = store.database.read_blocking(lambda c: users.get(c, kept))
    assert (merged is not None and not merged.enabled, standing(store)) == (True, [("corp", "rule:left")])
    store.deleted = Reaction.DELETE
    store.apply(gone(USER, "u:bert"), source="third")
    store.apply(gone(USER, "p1"), source="partner")
    assert (store.names(), standing(store)) == (set(), [])


def test_explanation_says_who_keeps_the_user_disabled(store: Store) -> None:
    in_both(store)
    leaves(store)
    [status] = [one for one in explained(store).attributes if one.name == "enabled"]
    assert (status.values, status.source_id, status.reason) == (("false",), "corp", "left")
    assert status.lost == (("partner", ("true",)),)
    disable(store)
    [status] = [one for one in explained(store).attributes if one.name == "enabled"]
    assert (status.source_id, status.reason) == ("", "disabled")
    assert [one.reason for one in explained(store).disablements] == ["", "phished"]


def former(store: Store) -> list[tuple[str, str]]:
    anna = store.user("anna").id
    found = store.database.read_blocking(lambda c: former_accounts.by_user(c, (anna,))).get(anna, ())
    return [(one.account.source_id, one.account.decided_by) for one in found]


def test_the_account_of_a_user_who_stays_is_remembered_when_its_source_has_them_no_more(both_stores: Store) -> None:
    store = both_stores
    in_both(store)
    leaves(store)
    assert former(store) == [("corp", "rule:create")]
    store.apply(gone(USER, "p1"), source="partner")
    assert former(store) == [("corp", "rule:create"), ("partner", "person:test")], "leavers may come back by a rule"
    enable(store)
    assert former(store) == [], "a person has decided"


def test_nothing_is_remembered_of_users_who_go_and_of_records_that_a_person_takes_away(store: Store) -> None:
    in_both(store)
    name = RecordName("corp", USER, "u:anna")
    store.database.write_blocking(lambda c: Decisions({}, store.door("local"), lambda: store.time).unlink(c, name, "root"))
    assert former(store) == []
    store.deleted = Reaction.DELETE
    store.apply(gone(USER, "p1"), source="partner")
    assert store.names() == set()
