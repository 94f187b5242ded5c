"""Writes that are committed together: the outcome of each, and the directory afterwards, are those of one after the other."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.attributes import reference_to
from gateway.model.deltas import Delta
from gateway.model.edits import Edit
from gateway.model.objects import DirectoryObject, Kind, Member
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.sync.local import write_group
from gateway.sync.local.edit_checks import MasteredElsewhere, NameTaken
from gateway.sync.local.source import LocalDoor, LocalWrite, ObjectEdit, Written
from gateway.sync.rules.object_attributes import referenced
from tests.sync.synced_store import Store, fresh_store, group, person

Outcome = Written | Exception


class Desk:
    """A store in which a source has `anna`, and five people and a group were made here."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.door = LocalDoor(lambda: store.time)
        store.apply(person("anna", title="Boss"), group("staff", "uid=anna"))
        names = [f"p{number}" for number in range(5)]
        self.ids = {name: self._create(Kind.USER, username=(name,)) for name in names}
        self.ids |= {"team": self._create(Kind.GROUP, name=("team",)), "anna": self._id_of("anna")}

    def _create(self, kind: Kind, **attributes: tuple[str, ...]) -> str:
        return self.store.database.write_blocking(lambda c: self.door.create(c, kind, Edit(attributes))).object_id

    def _id_of(self, username: str) -> str:
        from gateway.store.objects import users

        found = self.store.database.read_blocking(lambda c: users.id_by_username(c, username))
        assert found is not None
        return found

    def title(self, name: str, value: str) -> LocalWrite:
        return self.edit(name, lambda thing: Edit({"title": (value,)}))

    def edit(self, name: str, make: Callable[[DirectoryObject], Edit]) -> LocalWrite:
        return ObjectEdit(Kind.USER, self.ids[name], lambda _, thing: make(thing))

    def add(self, name: str) -> LocalWrite:
        return lambda connection: self.door.create(connection, Kind.USER, Edit({"username": (name,)}))

    def rename(self, name: str, new: str) -> LocalWrite:
        return self.edit(name, lambda thing: Edit({"username": (new,)}))

    def delete(self, name: str) -> LocalWrite:
        return lambda connection: self.door.delete(connection, Kind.USER, self.ids[name])

    def join(self, name: str) -> LocalWrite:
        edit = Edit(added_members=(Member(Kind.USER, self.ids[name]),))
        return ObjectEdit(Kind.GROUP, self.ids["team"], lambda *_: edit)

    def longer(self, name: str) -> LocalWrite:
        """An edit that depends on what is there."""
        return self.edit(name, lambda thing: Edit({"title": (thing.first("title") + "x",)}))

    def together(self, *writes: LocalWrite) -> list[Outcome]:
        return self.store.database.write_blocking(lambda c: write_group.carry_out(self.door, c, writes))

    def one_by_one(self, *writes: LocalWrite) -> list[Outcome]:
        return [self._alone(write) for write in writes]

    def _alone(self, write: LocalWrite) -> Outcome:
        try:
            return self.together(write)[0]
        except Exception as error:
            return error


_NAMES = st.sampled_from(["p0", "p1", "p2", "p3", "p4"])
_WRITES = st.one_of(
    st.tuples(st.just("title"), _NAMES, st.sampled_from(["x", "y"])),
    st.tuples(st.just("title"), st.just("anna"), st.just("x")),
    st.tuples(st.just("longer"), _NAMES),
    st.tuples(st.just("rename"), _NAMES, st.sampled_from(["q", "p0", "anna"])),
    st.tuples(st.just("add"), st.sampled_from(["q", "p1", "r"])),
    st.tuples(st.sampled_from(["delete", "join"]), _NAMES),
)


def _described(desk: Desk, outcomes: Sequence[Outcome]) -> tuple[object, ...]:
    kinds = [type(one).__name__ if isinstance(one, Exception) else "written" for one in outcomes]
    log = [(change.kind, change.type) for change in desk.store.log()]
    return kinds, desk.store.directory(), sorted(log)


@given(wanted=st.lists(_WRITES, min_size=2, max_size=8))
@settings(max_examples=40, deadline=None)
def test_a_group_is_what_its_writes_are_one_after_the_other(wanted: list[tuple[str, ...]]) -> None:
    found = []
    for carry_out in (Desk.together, Desk.one_by_one):
        with fresh_store() as store:
            desk = Desk(store)
            writes = [getattr(desk, kind)(*rest) for kind, *rest in wanted]
            found.append(_described(desk, carry_out(desk, *writes)))
    assert found[0] == found[1]


def test_each_of_a_group_is_given_the_number_of_its_own_change(both_stores: Store) -> None:
    desk = Desk(both_stores)
    before = both_stores.database.read_blocking(changes.last)
    outcomes = desk.together(desk.title("p0", "a"), desk.title("anna", "b"), desk.title("p1", "c"), desk.add("q"))
    assert isinstance(outcomes[1], MasteredElsewhere)
    written = [one for one in outcomes if isinstance(one, Written)]
    assert [one.change_number for one in written] == [before + 1, before + 2, before + 3]
    assert [change.object_id for change in both_stores.log(before)] == [one.object_id for one in written]


def test_plain_edits_of_different_people_are_one_batch(both_stores: Store) -> None:
    desk, counted = Desk(both_stores), []
    apply = desk.door.apply

    def counting(connection: Connection, deltas: Sequence[Delta], *rest: Any) -> tuple[str, ...]:
        counted.append(len(deltas))
        return apply(connection, deltas, *rest)

    desk.door.apply = counting  # type: ignore[assignment, method-assign]
    desk.together(*(desk.title(f"p{number}", "a") for number in range(4)))
    assert counted == [4]
    desk.together(desk.title("p0", "b"), desk.title("p0", "c"), desk.title("p1", "c"))
    assert counted[1:] == [1, 2]


def test_edits_that_point_at_others_lead_to_them_together_as_alone(both_stores: Store) -> None:
    desk = Desk(both_stores)
    managed = reference_to("manager")
    outcomes = desk.together(
        *(desk.edit(name, lambda _: Edit({managed: (desk.ids["anna"],)})) for name in ("p0", "p1")), desk.title("p2", "a")
    )
    assert all(isinstance(one, Written) for one in outcomes), outcomes
    assert [referenced(both_stores.user(name)) for name in ("p0", "p1")] == [{managed: (desk.ids["anna"],)}] * 2


def test_a_sentence_about_the_batch_is_reported_once(both_stores: Store) -> None:
    desk = Desk(both_stores)
    numbered = Edit({"uid_number": ("77",)})
    outcomes = desk.together(desk.edit("p0", lambda _: numbered), desk.edit("p1", lambda _: numbered))
    [sentence] = [problem for one in outcomes if isinstance(one, Written) for problem in one.problems]
    assert sentence.startswith("uid number 77 is that of p0 and p1")


def test_a_name_that_an_earlier_one_of_the_group_takes_is_taken(both_stores: Store) -> None:
    desk = Desk(both_stores)
    first, second, third = desk.together(desk.add("q"), desk.rename("p0", "q"), desk.title("p0", "a"))
    assert isinstance(second, NameTaken)
    assert isinstance(first, Written)
    assert isinstance(third, Written)


def test_a_batch_that_fails_as_a_whole_is_carried_out_one_by_one(both_stores: Store) -> None:
    desk = Desk(both_stores)
    apply = desk.door.apply

    def one_only(connection: Connection, deltas: Sequence[Delta], *rest: Any) -> tuple[str, ...]:
        done = apply(connection, deltas, *rest)
        if len(deltas) > 1:
            raise ValueError("together they cannot be")
        return done

    desk.door.apply = one_only  # type: ignore[assignment, method-assign]
    before = both_stores.database.read_blocking(changes.last)
    outcomes = desk.together(desk.title("p0", "a"), desk.title("p1", "b"))
    assert [one.change_number for one in outcomes if isinstance(one, Written)] == [before + 1, before + 2]
    assert both_stores.database.read_blocking(changes.last) == before + 2
