"""Who leaves is disabled at once and deleted when the time of grace is over; who comes back before is the same user again."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from gateway.model.changes import ChangeType
from gateway.model.edits import Edit
from gateway.model.errors import Conflict, DeletionsRefused
from gateway.model.objects import Kind, Member, User
from gateway.model.records import Situation
from gateway.model.runs import Outcome
from gateway.store.objects import passwords
from gateway.store.operations import source_state
from gateway.store.records import leavers, records
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import InboundSettings
from gateway.sync.local.source import LocalDoor
from gateway.sync.review.link_decisions import Decisions, RecordName
from gateway.sync.rules.correlation import Reaction
from tests.sync.house import House, gone, group, person, present, renamed, unit
from tests.sync.rules.test_authority import in_three_sources, tie

ANNA_GONE = gone(Kind.USER, "u:anna")


def users_log(house: House, after: int) -> list[tuple[ChangeType, bool]]:
    changes = [(change.type, change.object) for change in house.log(after) if change.kind is Kind.USER]
    return [(kind, isinstance(thing, User) and thing.enabled) for kind, thing in changes]


def expire(house: House, source: str = "hr") -> None:
    door = house.door("local")
    overdue = house.database.read_blocking(lambda c: leavers.due(c, source, house.time, 1000))
    house.database.write_blocking(lambda c: door.expire(c, overdue))


def test_who_leaves_is_disabled_at_once_and_leaves_the_groups(both_houses: House) -> None:
    house = both_houses
    house.apply(unit("sales"), person("anna", "ou=sales", title="Boss"), group("g", "uid=anna,ou=sales", logins=["anna"]))
    before, number = house.user("anna"), house.last()
    house.database.write_blocking(lambda c: passwords.keep_verifier(c, before.id, "hr", "hash", house.time))
    applied = house.apply(ANNA_GONE)
    assert applied.statistics.total(Outcome.DELETED) == 1
    anna = house.user("anna")
    assert anna == replace(before, enabled=False, gone_at=house.time, updated_at=house.time)
    assert house.database.read_blocking(lambda c: passwords.verifier(c, anna.id, "hr")) is None
    assert house.database.read_blocking(lambda c: records.accounts(c, anna.id)) == []
    assert users_log(house, number) == [(ChangeType.UPDATE, False)]
    assert house.directory().members == {"g": frozenset()}
    assert house.replayed() == house.directory()
    number = house.last()
    assert house.apply(ANNA_GONE).statistics.total(Outcome.DELETED) == 0
    house.compare(unit("sales"), group("g"))
    assert house.last() == number, "gone once is gone, however often it is said"


def test_who_comes_back_is_the_same_user_with_what_the_source_says_now(both_houses: House) -> None:
    house = both_houses
    house.apply(person("anna", title="Boss"), person("bert"), group("g", "uid=bert", logins=["anna"]))
    before = house.user("anna")
    house.apply(ANNA_GONE)
    house.apply(person("anna", title="Head"))
    anna = house.user("anna")
    assert (anna.id, anna.enabled, anna.gone_at, anna.attributes) == (before.id, True, None, {"title": ("Head",)})
    assert house.directory().members == {"g": {"anna", "bert"}}, "the group at the source has named her all the time"
    assert house.replayed() == house.directory()
    assert house.database.read_blocking(lambda c: records.count_problems(c, "hr")) == {}


def test_the_very_same_report_and_even_that_it_is_there_brings_a_leaver_back(house: House) -> None:
    house.apply(person("anna", title="Boss"), watermark=b"1")
    before = house.user("anna")
    for back in (person("anna", title="Boss"), present(person("anna"))):
        house.apply(ANNA_GONE)
        assert house.leavers() == {"anna"}
        house.apply(back)
        assert house.user("anna") == replace(before, updated_at=house.time)
    number = house.last()
    house.apply(person("anna", title="Boss"))
    assert house.last() == number


def test_a_leaver_that_comes_back_disabled_stays_disabled(house: House) -> None:
    house.apply(person("anna"))
    house.apply(ANNA_GONE)
    house.apply(person("anna", enabled="false"))
    assert (house.user("anna").gone_at, house.user("anna").enabled) == (None, False)


@pytest.mark.parametrize("order", [1, -1], ids=["gone-first", "new-first"])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_entry_that_was_made_anew_under_its_login_name_is_the_same_user(house: House, order: int, at_once: bool) -> None:
    house.apply(person("anna", title="Boss"), group("g", logins=["anna"]))
    before = house.user("anna")
    reports = [ANNA_GONE, person("Anna", "ou=x", external_id="new", title="Head")][::order]
    if at_once:
        house.apply(*reports)
    else:
        for report in reports:
            house.apply(report)
    anna = house.user("Anna")
    assert (anna.id, anna.enabled, anna.gone_at, anna.first("title")) == (before.id, True, None, "Head")
    assert house.leavers() == set()
    assert [account.external_id for account in house.database.read_blocking(lambda c: records.accounts(c, anna.id))] == ["new"]
    assert house.directory().members == {"g": {"Anna"}}
    assert house.replayed() == house.directory()
    house.apply(person("anna"))
    assert house.names() == {"Anna"}, "the old entry comes back beside the new one: its name is taken"


def test_a_comparison_that_meets_everybody_under_other_ids_finds_the_same_users(house: House) -> None:
    house.apply(*(person(name) for name in ("anna", "bert")), group("g", logins=["anna"]))
    ids = {house.user(name).id for name in ("anna", "bert")}
    everybody = [person(name, external_id=f"new:{name}") for name in ("anna", "bert")]
    house.compare(*everybody, group("g", logins=["anna"]))
    assert {house.user(name).id for name in ("anna", "bert")} == ids
    assert house.leavers() == set()
    assert house.directory().members == {"g": {"anna"}}


def test_a_login_name_is_its_leavers_until_the_time_of_grace_is_over(house: House) -> None:
    house.apply(person("anna"), person("bert", external_id="2"))
    house.apply(ANNA_GONE)
    assert "anna" in house.apply(person("anna"), source="other").problems[0]
    assert house.apply(renamed(person("bert", external_id="2"), "anna")).problems
    assert house.names() == {"bert"}
    expire(house)
    house.apply(caught_up=True)
    assert house.names() == {"anna"}


def test_whoever_another_source_still_has_does_not_leave(house: House) -> None:
    anna = in_three_sources(house, {"hr": person("anna", title="Boss"), "corp": person("anna", title="Head")})
    house.apply(ANNA_GONE)
    assert (house.user("anna").id, house.user("anna").enabled, house.user("anna").first("title")) == (anna, True, "Head")
    assert house.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "u:anna")) is None
    house.apply(ANNA_GONE, source="corp")
    assert house.leavers() == {"anna"}


def test_a_report_about_groups_does_not_put_a_leaver_into_them(house: House) -> None:
    house.apply(person("anna"), group("g", "uid=anna"))
    house.apply(ANNA_GONE)
    house.apply(group("g", "uid=anna", logins=["anna"]), group("h", "uid=anna"))
    assert house.directory().members == {"g": frozenset(), "h": frozenset()}
    house.apply(person("anna"))
    assert house.directory().members == {"g": {"anna"}, "h": {"anna"}}
    assert house.replayed() == house.directory()


def test_a_leaver_moves_along_with_its_unit_and_no_group_finds_it_there(house: House) -> None:
    house.apply(unit("sales"), person("anna", "ou=sales"), group("g", "uid=anna,ou=sales"))
    house.apply(
        unit("market", external_id="o:sales"), ANNA_GONE, group("g", "uid=anna,ou=market"), group("h", "uid=anna,ou=market")
    )
    assert house.directory().members == {"g": frozenset(), "h": frozenset()}
    assert house.replayed() == house.directory()


def test_the_groups_that_are_made_here_have_a_leaver_again_when_it_is_back(house: House) -> None:
    door = LocalDoor(lambda: house.time)
    house.apply(person("anna"), person("bert"))
    anna, bert = (Member(Kind.USER, house.user(name).id) for name in ("anna", "bert"))
    house.database.write_blocking(lambda c: door.create(c, Kind.GROUP, Edit({"name": ("circle",)}, added_members=(anna, bert))))
    other = house.database.write_blocking(lambda c: door.create(c, Kind.GROUP, Edit({"name": ("other",)}))).object_id
    house.apply(ANNA_GONE)
    assert house.directory().members["circle"] == {"bert"}
    house.database.write_blocking(lambda c: door.change(c, Kind.GROUP, other, Edit(added_members=(anna,))))
    assert house.directory().members["other"] == frozenset(), "a leaver is in no group"
    house.apply(person("anna"))
    assert house.directory().members == {"circle": {"anna", "bert"}, "other": {"anna"}}
    assert house.replayed() == house.directory()


def test_an_edit_of_a_leaver_does_not_enable_it(house: House) -> None:
    house.apply(person("anna", title="Boss"))
    house.apply(ANNA_GONE)
    door, anna = LocalDoor(lambda: house.time), house.user("anna")
    house.database.write_blocking(lambda c: door.change(c, Kind.USER, anna.id, Edit({"gecos": ("A",), "enabled": ("true",)})))
    after = house.user("anna")
    assert (after.enabled, after.gone_at, after.first("gecos"), after.first("title")) == (False, anna.gone_at, "A", "Boss")


def test_a_leaver_whose_organization_goes_too_is_still_somewhere(house: House) -> None:
    house.apply(unit("sales"), person("anna", "ou=sales"))
    house.apply(ANNA_GONE, gone(Kind.ORGANIZATION, "o:sales"))
    house.apply(person("anna", "ou=sales"))
    assert house.directory().users == {"anna": ("/",)}
    assert house.replayed() == house.directory()


@pytest.mark.parametrize("kept", [False, True])
def test_a_record_that_is_back_after_another_of_its_source_took_its_place_is_disputed(house: House, kept: bool) -> None:
    for source in ("hr", "corp"):
        house.correlate(source, "employee_number = employee_number")
    house.deleted = Reaction.KEEP if kept else None
    house.apply(person("anna", external_id="1", employee_number="7"))
    anna = house.user("anna").id
    house.apply(gone(Kind.USER, "1"))
    house.apply(person("anna", external_id="c", employee_number="7"), source="corp")
    house.apply(person("anna", external_id="2", employee_number="7"))
    house.apply(person("anna", external_id="1", employee_number="7"))
    assert house.user("anna").id == anna
    accounts = house.database.read_blocking(lambda c: records.accounts(c, anna))
    assert [(one.source_id, one.external_id) for one in accounts] == [("corp", "c"), ("hr", "2")]
    [(_, disputed)] = house.database.read_blocking(lambda c: records.problems(c, "hr"))
    assert (disputed.external_id, disputed.situation) == ("1", Situation.DISPUTED)
    assert house.replayed() == house.directory()


def test_of_a_record_that_is_gone_nobody_decides_anything(house: House) -> None:
    house.apply(person("anna"), person("bert"))
    house.apply(ANNA_GONE)
    decisions = Decisions({"hr": house.door()}, house.door("local"), lambda: house.time)
    name = RecordName("hr", Kind.USER, "u:anna")
    bert, number = house.user("bert").id, house.last()
    for decide in (partial(decisions.link, object_id=bert), decisions.unlink, decisions.split):
        with pytest.raises(Conflict, match="is gone from its source"):
            house.database.write_blocking(partial(decide, name=name, by="test"))
    assert (house.last(), house.leavers()) == (number, {"anna"})


# ---- other reactions


def test_a_source_may_delete_at_once(house: House) -> None:
    house.deleted = Reaction.DELETE
    house.apply(person("anna"))
    number = house.last()
    house.apply(ANNA_GONE)
    assert users_log(house, number) == [(ChangeType.DELETE, False)]


def test_what_is_kept_stays_as_it_is_and_follows_its_source_again_when_it_is_back(house: House) -> None:
    house.deleted = Reaction.KEEP
    house.apply(unit("sales"), person("anna", "ou=sales", title="Boss"), group("g", "uid=anna,ou=sales"))
    before, number = house.directory(), house.last()
    house.apply(ANNA_GONE, gone(Kind.ORGANIZATION, "o:sales"))
    house.apply(group("g", "uid=anna,ou=sales"))
    assert house.last() == number
    assert house.directory() == before
    assert house.database.read_blocking(lambda c: records.count_problems(c, "hr")) == {Situation.DELETED: 2}
    expire(house)
    assert house.last() == number, "there is no time of grace to be over"
    house.apply(unit("sales"), person("anna", "ou=sales", title="Head"))
    assert house.user("anna").first("title") == "Head"
    assert house.database.read_blocking(lambda c: records.count_problems(c, "hr")) == {}


# ---- the guard


def test_law_8_leavers_count_as_deletions_do(both_houses: House) -> None:
    house = both_houses
    house.settings = InboundSettings(guard=Guard(users=2, percent=0, window_seconds=600))
    everybody = [person(f"p{number}") for number in range(6)]
    house.apply(*everybody)
    number = house.last()
    with pytest.raises(DeletionsRefused):
        house.compare()
    with pytest.raises(DeletionsRefused):
        house.apply(*(gone(Kind.USER, f"u:p{number}") for number in range(3)))
    assert (house.last(), house.leavers()) == (number, set()), "a wiped upstream disables nobody"
    house.apply(gone(Kind.USER, "u:p0"))
    house.apply(gone(Kind.USER, "u:p1"))
    with pytest.raises(DeletionsRefused, match="after 2 in the last 10 minutes"):
        house.apply(gone(Kind.USER, "u:p2"))
    house.apply(gone(Kind.USER, "u:p2"), allow_deletions=True)
    house.apply(gone(Kind.USER, "u:p3"))
    assert house.leavers() == {"p0", "p1", "p2", "p3"}
    state = house.database.read_blocking(lambda c: source_state.get(c, "hr"))
    assert state is not None
    assert state.deletions_allowed_at is not None


def test_who_has_left_does_not_count_among_those_who_are_there(house: House) -> None:
    house.settings = InboundSettings(guard=Guard(users=0, percent=50, window_seconds=60))
    house.apply(*(person(f"p{number}") for number in range(4)))
    house.apply(gone(Kind.USER, "u:p0"), gone(Kind.USER, "u:p1"))
    house.time += timedelta(minutes=2)
    with pytest.raises(DeletionsRefused, match="would delete 2 of 2 users"):
        house.apply(gone(Kind.USER, "u:p2"), gone(Kind.USER, "u:p3"))


# ---- the end of the time of grace


def test_who_is_gone_for_long_enough_is_deleted_and_the_guard_does_not_mind(both_houses: House) -> None:
    house = both_houses
    house.apply(person("anna"), person("bert"))
    house.apply(ANNA_GONE)
    number = house.last()
    expire(house)
    assert users_log(house, number) == [(ChangeType.DELETE, False)]
    assert (house.names(), house.leavers()) == ({"bert"}, set())
    assert house.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "u:anna")) is None
    house.apply(gone(Kind.USER, "u:bert"))
    house.apply(person("anna"))
    assert house.names() == {"anna"}
    assert house.replayed() == house.directory()


def test_of_two_records_of_leavers_the_second_to_expire_takes_the_user(house: House) -> None:
    in_three_sources(house, {"hr": person("anna", title="Boss"), "corp": person("anna", external_id="c:anna")})
    house.apply(gone(Kind.USER, "c:anna"), source="corp")
    assert house.names() == {"anna"}
    house.apply(ANNA_GONE)
    assert house.leavers() == {"anna"}
    expire(house, "corp")
    assert house.leavers() == {"anna"}
    expire(house)
    assert house.leavers() == set()


def test_a_record_that_waits_beside_a_living_one_expires_alone(house: House) -> None:
    house.apply(person("anna", title="Boss"))
    anna = house.user("anna").id
    house.apply(ANNA_GONE)
    tie(house, "corp", person("anna", title="Head"), anna)
    assert (house.user("anna").id, house.user("anna").enabled, house.user("anna").first("title")) == (anna, True, "Head")
    number = house.last()
    expire(house)
    assert house.user("anna").id == anna
    assert house.last() == number
    assert house.database.read_blocking(lambda c: records.get(c, "hr", Kind.USER, "u:anna")) is None


def test_a_leaver_who_is_back_under_another_name_is_not_whoever_has_the_old_name_now(house: House) -> None:
    house.apply(person("ada", external_id="1"), person("bert"))
    ada = house.user("ada").id
    house.apply(gone(Kind.USER, "1"))
    house.apply(person("ada", external_id="2"), person("adele", external_id="1"))
    assert house.names() == {"ada", "adele", "bert"}
    assert house.user("adele").id == ada
