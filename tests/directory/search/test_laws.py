"""The planner and the evaluator give the same answers: SQL over the view file against looking at every entry."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.directory.access import Access, may_read
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import View
from gateway.directory.search.query import NoSuchObject, Query
from gateway.directory.search.search import Search
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import Row
from gateway.model.applications import Scope
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN
from gateway.wire import entries, filters
from gateway.wire.messages import BASE_OBJECT
from tests.directory.random_filters import FilterMaker
from tests.directory.small_views import (
    SCOPES,
    Directory,
    Oracle,
    all_rows,
    random_access,
    random_directory,
    written,
)
from tests.directory.view_shapes import SHAPES

EVERYTHING = Access(Scope())
SEARCHES = 40
"""For each directory: making one costs as much as searching it so often."""

law = settings(deadline=None, max_examples=150)
seeds = st.integers(0, 2**64)
shapes = st.sampled_from(sorted(SHAPES))


def searched(reader: ViewReader, base: str, scope: int, item: filters.Filter, access: Access) -> set[str] | None:
    """The DNs found, both ways; None when there is no such base."""
    name = DN.parse(base)
    try:
        search = Search(ViewSearcher(reader, access), Query(name, name.key, scope, item, ("1.1",)))
    except NoSuchObject:
        return None
    at_once = search.at_once()
    assert at_once is not None
    assert sorted(at_once) == sorted(sliced(search))
    found = [entries.object_name(entry).decode() for entry in at_once]
    assert len(found) == len(set(found)), "each entry once"
    return set(found)


def sliced(search: Search) -> list[bytes]:
    search.open()
    found = []
    while (some := search.next_slice(3)) is not None:
        found += some
    search.close()
    return found


def agree(reader: ViewReader, directory: Directory, access: Access, random: Random) -> None:
    readable = replace(access, attributes=reader.readable(access))
    oracle = Oracle(directory, all_rows(reader), readable, transitive=reader.view.transitive_member_of)
    maker = FilterMaker(random, [Oracle(directory, oracle.rows, EVERYTHING).values(row) for row in oracle.rows])
    shown = {row[6] for row in oracle.rows if oracle.shows(row)}
    for _ in range(SEARCHES):
        item, scope = maker.filter(), random.choice(SCOPES)
        containers = [str(name) for name in reader.view.containers]
        base = random.choice([*containers, containers[0], *(row[6] for row in oracle.rows)])
        expected = oracle.found(base, scope, item) if base in shown else None
        assert searched(reader, base, scope, item, access) == expected, (base, scope, filters.to_text(item), access)


@law
@given(shapes, seeds, st.booleans(), st.booleans())
def test_a_search_finds_the_entries_that_evaluating_every_entry_finds(
    shape: str, seed: int, counted: bool, transitive: bool
) -> None:
    random = Random(seed)
    directory = random_directory(random)
    with written(directory, SHAPES[shape], counted=counted, transitive=transitive) as reader:
        agree(reader, directory, EVERYTHING, random)


@law
@given(shapes, seeds, st.booleans())
def test_a_narrowed_search_finds_the_visible_entries_and_no_filter_reveals_more(
    shape: str, seed: int, transitive: bool
) -> None:
    random = Random(seed)
    directory = random_directory(random)
    with written(directory, SHAPES[shape], transitive=transitive) as reader:
        agree(reader, directory, random_access(random, directory), random)


@law
@given(shapes, seeds, st.booleans())
def test_an_entry_shows_exactly_the_readable_attributes(shape: str, seed: int, transitive: bool) -> None:
    random = Random(seed)
    directory = random_directory(random)
    access = random_access(random, directory)
    with written(directory, SHAPES[shape], transitive=transitive) as reader:
        readable = replace(access, attributes=reader.readable(access))
        oracle = Oracle(directory, all_rows(reader), readable, transitive=transitive)
        for row in filter(oracle.shows, oracle.rows):
            for attributes in (("*", "+"), ("*",)):
                assert shown(reader, access, row[6], attributes) == expected(oracle, row, attributes, reader.view)


def shown(reader: ViewReader, access: Access, name: str, attributes: tuple[str, ...]) -> dict[str, list[bytes]]:
    """Return the attributes that a search for one entry gives."""
    base = DN.parse(name)
    query = Query(base, base.key, BASE_OBJECT, filters.Present("objectClass"), attributes)
    found = Search(ViewSearcher(reader, access), query).at_once()
    assert found is not None
    _, given_ = entries.decode_entry(found[0])
    return {attribute_key(description.decode()): sorted(values) for description, values in given_.items()}


def expected(oracle: Oracle, row: Row, attributes: tuple[str, ...], view: View) -> dict[str, list[bytes]]:
    """The same, from everything that the party may see."""
    values = {key: sorted(found) for key, found in oracle.values(row).items() if found and may_read(key, oracle.readable)}
    if "+" in attributes:
        return values
    return {key: found for key, found in values.items() if key in view.shown_unasked or not schema.is_operational(key)}
