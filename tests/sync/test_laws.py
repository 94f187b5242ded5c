"""The laws, for whatever a source may say: found by Hypothesis."""

import random
from dataclasses import replace

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway.model.deltas import Delta
from gateway.model.objects import Kind
from gateway.sync.rules.correlation import Reaction
from tests.sync.synced_store import BASE, fresh_store, gone, group, person, renamed, unit
from tests.sync.upstream import Upstream

_REACTIONS = st.sampled_from([None, Reaction.DELETE])
"""Users that are gone are disabled for the grace period, or deleted."""


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
    groups = [
        group(f"g{number}", *draw(st.sets(st.sampled_from(names))), logins=draw(st.sets(st.sampled_from(logins), max_size=3)))
        for number in range(draw(st.integers(0, 3)))
    ]
    reports += people + groups
    pairs = [(_earlier(draw, delta), delta) for delta in reports if draw(st.booleans())]
    victims = [
        (person(f"v{n}", draw(st.sampled_from(paths))), gone(Kind.USER, f"u:v{n}")) for n in range(draw(st.integers(0, 2)))
    ]
    return reports, pairs + victims


def _earlier(draw: st.DrawFn, delta: Delta) -> Delta:
    """Return an earlier report of the record: another name, another title, no members yet."""
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
    with fresh_store() as expected, fresh_store() as store:
        expected.deleted = store.deleted = data.draw(_REACTIONS)
        expected.apply(*reports)
        said = _in_order(data.draw, reports, pairs)  # type: ignore[arg-type]
        while said:
            size = data.draw(st.integers(1, len(said)))
            batch, said = said[:size], said[size:]
            store.apply(*batch)
            if data.draw(st.booleans()):
                number = store.last()
                store.apply(*batch)
                assert store.last() == number, "the same batch once more changed something"
        assert store.directory() == expected.directory()
        assert store.replayed() == store.directory(), "replaying the log from zero gives the present state"


# ---- incremental = full: a directory server that reports what syncrepl reports, and no more


@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # a seed does not shrink
@given(st.integers(0, 2**32), st.integers(5, 120), st.sampled_from([1, 2, 6, 60]), _REACTIONS)
def test_following_the_changes_of_a_server_ends_where_reading_it_anew_ends(
    seed: int, steps: int, at_once: int, reaction: Reaction | None
) -> None:
    upstream = Upstream(random.Random(seed))
    with fresh_store() as following, fresh_store() as reading:
        following.deleted = reaction
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
