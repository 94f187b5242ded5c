"""The law of the change feed: whatever happens, and whenever a reader reads, it ends with exactly what it may see."""

import itertools
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.directory.application_scope.position import Position, is_kept, with_history
from gateway.model.applications import Scope
from gateway.model.objects import ROOT_ORGANIZATION_ID, Member
from gateway.store.log import changes
from gateway.store.objects import organizations
from tests.directory.application_scope.reader import Copy, Reader, present
from tests.directory.application_scope.stored_directory import StoredDirectory, open_store, person

Step: TypeAlias = tuple[str, int, int, int]

WHAT = (
    (
        "read read read read unit; move unit; move unit; move unit; delete unit; user; move user; move user; "
        "rename user; delete user; rename unit; password; join; leave"
    )
    .replace("read ", "read; ")
    .split("; ")
)

STEPS = st.lists(
    st.tuples(st.sampled_from(WHAT), st.integers(0, 6), st.integers(0, 6), st.integers(1, 2)), min_size=3, max_size=30
)


class Town:
    """Turns numbers into steps on a directory."""

    def __init__(self, directory: StoredDirectory) -> None:
        self.directory = directory
        self.names = itertools.count(1)
        self.scope = directory.add_unit("in")
        out = directory.add_unit("out")
        self.units = [self.scope, out, directory.add_unit("a", self.scope), directory.add_unit("b", out)]
        self.units += [directory.add_unit("aa", self.units[2]), directory.add_unit("bb", self.units[3])]
        self.users = [directory.add_user(f"u{n}", unit) for n, unit in enumerate(self.units)]
        self.groups = [directory.add_group("g", *map(person, self.users)), directory.add_group("hidden")]
        self.steps: dict[str, Callable[[int, int], None]] = {
            "unit": lambda a, _: self.units.append(directory.add_unit(f"n{next(self.names)}", self.unit(a))),
            "move unit": self.move_unit,
            "delete unit": self.delete_unit,
            "user": lambda a, _: self.users.append(directory.add_user(f"m{next(self.names)}", self.unit(a))),
            "move user": lambda a, b: directory.move_user(self.user(a), self.unit(b)),
            "rename user": lambda a, _: directory.rename_user(self.user(a), f"r{next(self.names)}"),
            "delete user": self.delete_user,
            "rename unit": lambda a, _: directory.rename_unit(self.unit(a), f"r{next(self.names)}"),
            "password": lambda a, _: directory.set_password(self.user(a)),
            "join": lambda a, b: directory.change_members(self.groups[b % 2], [self.member(a)]),
            "leave": lambda a, b: directory.change_members(self.groups[b % 2], [], [self.member(a)]),
        }

    def unit(self, number: int) -> str:
        return self.units[number % len(self.units)]

    def user(self, number: int) -> str:
        return self.users[number % len(self.users)]

    def member(self, number: int) -> Member:
        return person(self.user(number))

    def move_unit(self, number: int, to: int) -> None:
        unit, parent = self.unit(number), (ROOT_ORGANIZATION_ID if to == 0 else self.unit(to))
        above = self.directory.database.read_blocking(lambda c: organizations.ancestors(c, parent))
        if unit not in (parent, *above):
            self.directory.move_unit(unit, parent)

    def delete_unit(self, number: int, _: int) -> None:
        unit = self.unit(number)
        if unit != self.scope and len(self.units) > 2:
            self.units.remove(unit)
            self.directory.delete_unit(unit)

    def delete_user(self, number: int, _: int) -> None:
        if len(self.users) > 1:
            user = self.user(number)
            self.users.remove(user)
            self.directory.delete_user(user)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("law")


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_a_reader_that_reads_at_any_time_ends_with_what_it_may_see(folder: Path, migrated: bytes, steps: list[Step]) -> None:
    for old in folder.iterdir():
        old.unlink()
    database = open_store(folder / "gateway.db", migrated)
    try:
        town = Town(StoredDirectory(database))
        scope = Scope((town.scope,), (town.groups[0],))
        reader = Reader(database, town.directory.application("reader", scope)[0])
        everything = Reader(database, town.directory.application("all")[0])
        for step, a, b, limit in steps:
            if step == "read":
                reader.read(limit)
                everything.read(limit)
            else:
                town.steps[step](a, b)
        reader.read_all(3)
        everything.read_all()
        for one in (reader, everything):
            assert one.copy.comparable() == present(database, one.application).comparable()
        assert {item.id for item in reader.reported}.isdisjoint(town.groups[1:])
    finally:
        database.close()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, pruned_share=st.floats(0, 1))
def test_law_4_a_shortened_log_has_all_that_readers_of_what_is_kept_need_and_sends_the_others_away(
    folder: Path, migrated: bytes, steps: list[Step], pruned_share: float
) -> None:
    for old in folder.iterdir():
        old.unlink()
    database = open_store(folder / "gateway.db", migrated)
    try:
        town = Town(StoredDirectory(database))
        scopes = {"reader": Scope((town.scope,), (town.groups[0],)), "all": Scope()}
        readers = [Reader(database, town.directory.application(name, scope)[0]) for name, scope in scopes.items()]
        told: list[tuple[Reader, Position, Copy]] = []
        for step, a, b, limit in steps:
            if step == "read":
                for reader in readers:
                    reader.read(limit)
                    position = database.read_blocking(partial(with_history, position=reader.position))
                    told.append((reader, position, deepcopy(reader.copy)))
            else:
                town.steps[step](a, b)
        pruned = int(pruned_share * (database.read_blocking(changes.last) - 1))
        database.write_blocking(lambda c: c.exec_driver_sql(f"DELETE FROM changes WHERE number <= {pruned}"))
        for reader, position, copy in told:
            kept = database.read_blocking(partial(is_kept, position=position))
            assert kept or min(position.number, position.careful_from or position.number) <= pruned
            if kept:
                follower = Reader(database, reader.application, position)
                follower.copy = copy
                follower.read_all(3)
                assert follower.copy.comparable() == present(database, reader.application).comparable()
    finally:
        database.close()
