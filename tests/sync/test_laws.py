"""The laws, for whatever a source may say: found by Hypothesis."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.store.engine.database import Database
from gateway.store.engine.migrate import migrate
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import InboundSettings
from gateway.sync.rules.correlation import Reaction
from tests.sync.house import BASE, House, gone, group, person, renamed, unit

UNGUARDED = InboundSettings(guard=Guard(users=10**6, organizations=10**6, groups=10**6))


_DEPARTURES = st.sampled_from([None, Reaction.DELETE])
"""Whether whoever is gone is disabled for the time of grace, or deleted."""


@cache
def _empty_store() -> Path:
    path = Path(tempfile.mkdtemp(prefix="laws-")) / "empty.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@contextmanager
def fresh_house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="laws-") as folder:
        path = Path(folder) / "gateway.db"
        shutil.copy(_empty_store(), path)
        database = Database(f"sqlite:///{path}")
        try:
            yield House(database, settings=UNGUARDED)
        finally:
            database.close()


# ---- any order, any cut into batches, any repetition


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[list[Delta], list[tuple[Delta, Delta]]]:
    """The final reports of some records, and pairs (earlier report, final report) of which the first must come first."""
    units = draw(st.lists(st.sampled_from("abcde"), unique=True, max_size=5))
    paths = [""]
    reports: list[Delta] = []
    for name in units:
        below = draw(st.sampled_from(paths))
        reports.append(unit(name, below))
        paths.append(f"ou={name},{below}".rstrip(","))
    people = []
    for number in range(draw(st.integers(0, 6))):
        below = draw(st.sampled_from([*paths, "cn=elsewhere"]))
        people.append(person(f"p{number}", below, title=draw(st.sampled_from(["x", "y"]))))
    names = [delta.dn.removesuffix(f",{BASE}") for delta in people] + ["uid=nobody", "cn=g0", "cn=g1"]
    logins = [f"p{number}" for number in range(7)]
    circles = [
        group(f"g{number}", *draw(st.sets(st.sampled_from(names))), logins=draw(st.sets(st.sampled_from(logins), max_size=3)))
        for number in range(draw(st.integers(0, 3)))
    ]
    reports += people + circles
    pairs = [(_earlier(draw, delta), delta) for delta in reports if draw(st.booleans())]
    victims = [
        (person(f"v{n}", draw(st.sampled_from(paths))), gone(Kind.USER, f"u:v{n}")) for n in range(draw(st.integers(0, 2)))
    ]
    return reports, pairs + victims


def _earlier(draw: st.DrawFn, delta: Delta) -> Delta:
    """What the source said of the record before: another name, another title, no members yet."""
    old = f"old-{delta.external_id[2:]}"
    if delta.kind is Kind.USER:
        earlier = renamed(delta, old) if draw(st.booleans()) else delta
        return replace(earlier, attributes={**earlier.attributes, "title": ("old",)})
    rdn, _, rest = delta.dn.partition(",")
    spelled = f"{rdn.partition('=')[0]}={old},{rest}" if draw(st.booleans()) else delta.dn
    return replace(delta, dn=spelled, attributes={"name": (old,)}, references={})


def _in_order(draw: st.DrawFn, reports: list[Delta], pairs: list[tuple[Delta, Delta]]) -> list[Delta]:
    """All reports in any order that has each earlier one before its final one."""
    items = draw(st.permutations([*reports, *(earlier for earlier, _ in pairs)]))
    said = list(items)
    for earlier, final in pairs:
        if final in said:
            said.remove(final)
        said.insert(draw(st.integers(said.index(earlier) + 1, len(said))), final)
    return said


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_law_2_any_order_and_repetition_of_batches_ends_in_the_same_directory(data: st.DataObject) -> None:
    reports, pairs = data.draw(_worlds())
    with fresh_house() as expected, fresh_house() as house:
        expected.deleted = house.deleted = data.draw(_DEPARTURES)
        expected.apply(*reports)
        said = _in_order(data.draw, reports, pairs)  # type: ignore[arg-type]
        while said:
            size = data.draw(st.integers(1, len(said)))
            batch, said = said[:size], said[size:]
            house.apply(*batch)
            if data.draw(st.booleans()):
                number = house.last()
                house.apply(*batch)
                assert house.last() == number, "the same batch once more changed something"
        assert house.directory() == expected.directory()
        assert house.replayed() == house.directory(), "replaying the log from zero gives the present state"


# ---- incremental = full: a directory server that reports what syncrepl reports, and no more


@dataclass
class Upstream:
    """A small LDAP server with refint: entries by id, each (kind, parent id, name, title); groups hold ids."""

    choose: random.Random
    entries: dict[str, tuple[Kind, str, str, str]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    number: int = 0

    def name(self, entry: str) -> str:
        """The DN, present names all the way up."""
        if not entry:
            return BASE
        kind, parent, name, _ = self.entries[entry]
        attribute = {Kind.USER: "uid", Kind.GROUP: "cn", Kind.ORGANIZATION: "ou"}[kind]
        return f"{attribute}={name},{self.name(parent)}"

    def report(self, entry: str) -> Delta:
        kind, _, name, title = self.entries[entry]
        naming = "username" if kind is Kind.USER else "name"
        pointing = tuple(Reference(ReferenceForm.DN, dn.key(self.name(m))) for m in sorted(self.members.get(entry, ())))
        references = {MEMBERS: pointing} if kind is Kind.GROUP else {}
        return Delta(DeltaType.UPSERT, kind, entry, self.name(entry), {naming: (name,), "title": (title,)}, references)

    def everything(self) -> list[Delta]:
        reports = [self.report(entry) for entry in self.entries]
        self.choose.shuffle(reports)
        return reports

    def step(self) -> list[Delta]:
        """Something happens; what is reported of it."""
        happen = self.choose.choice([self.add, self.add, self.rename, self.move, self.delete, self.regroup, self.retitle])
        return happen()

    def _any(self, *kinds: Kind) -> str | None:
        found = [entry for entry, (kind, *_) in self.entries.items() if kind in kinds]
        return self.choose.choice(found) if found else None

    def _fresh(self) -> str:
        self.number += 1
        return f"n{self.number}"

    def _units(self) -> list[str]:
        return ["", *(entry for entry, (kind, *_) in self.entries.items() if kind is Kind.ORGANIZATION)]

    def add(self) -> list[Delta]:
        entry = self._fresh()
        kind = self.choose.choice([Kind.ORGANIZATION, Kind.USER, Kind.USER, Kind.GROUP])
        self.entries[entry] = (kind, self.choose.choice(self._units()), f"{entry}x", "new")
        if kind is Kind.GROUP:
            self.members[entry] = set()
        return [self.report(entry)]

    def rename(self) -> list[Delta]:
        entry = self._any(*Kind)
        if entry is None:
            return []
        kind, parent, _, title = self.entries[entry]
        self.entries[entry] = (kind, parent, self._fresh(), title)
        return [self.report(entry)]

    def move(self) -> list[Delta]:
        entry, parent = self._any(*Kind), self.choose.choice(self._units())
        if entry is None or f",{self.name(entry)}" in f",{self.name(parent)}":
            return []
        kind, _, name, title = self.entries[entry]
        self.entries[entry] = (kind, parent, name, title)
        return [self.report(entry)]

    def delete(self) -> list[Delta]:
        entry = self._any(*Kind)
        if entry is None or any(parent == entry for _, parent, *_ in self.entries.values()):
            return []
        kind = self.entries.pop(entry)[0]
        self.members.pop(entry, None)
        for held in self.members.values():
            held.discard(entry)
        return [gone(kind, entry)]

    def regroup(self) -> list[Delta]:
        circle, member = self._any(Kind.GROUP), self._any(Kind.USER, Kind.GROUP)
        if circle is None or member is None:
            return []
        self.members[circle] ^= {member}
        return [self.report(circle)]

    def retitle(self) -> list[Delta]:
        entry = self._any(Kind.USER)
        if entry is None:
            return []
        self.entries[entry] = (*self.entries[entry][:3], self._fresh())
        return [self.report(entry)]


@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # a seed does not shrink
@given(st.integers(0, 2**32), st.integers(5, 120), st.sampled_from([1, 2, 6, 60]), _DEPARTURES)
def test_following_the_changes_of_a_server_ends_where_reading_it_anew_ends(
    seed: int, steps: int, at_once: int, departure: Reaction | None
) -> None:
    upstream = Upstream(random.Random(seed))
    with fresh_house() as following, fresh_house() as reading:
        following.deleted = departure
        batch: list[Delta] = []
        for _ in range(steps):
            batch += upstream.step()
            if len(batch) >= at_once:
                following.apply(*batch)
                batch = []
        following.apply(*batch)
        reading.compare(*upstream.everything())
        assert following.directory() == reading.directory()
        assert following.replayed() == following.directory()
        following.compare(*upstream.everything())
        assert following.directory() == reading.directory()
