"""Sorted searches: the order of SQLite, the order of few rows in memory, and Python's own sort of everything are one order."""

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.directory.access import Access
from gateway.directory.projection.index_keys import stored_key
from gateway.directory.search import sort_keys
from gateway.directory.search.query import Query
from gateway.directory.search.sorted_search import SortedSearch
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import Row
from gateway.model.applications import Scope
from gateway.model.ldap import matching_rules, schema
from gateway.model.ldap.dn import DN
from gateway.wire import entries
from gateway.wire.controls.search import SortKey
from gateway.wire.filters import Filter
from gateway.wire.messages import WHOLE_SUBTREE
from tests.directory.random_filters import FilterMaker
from tests.directory.small_views import Oracle, all_rows, random_access, random_directory, written
from tests.directory.worlds import BASE

EVERYTHING = Access(Scope())
SEARCHES = 25
SORTABLE = (
    *("cn", "CN", "2.5.4.3", "sn", "uid", "mail", "displayName", "description", "telephoneNumber", "uidNumber", "gidNumber"),
    *("name", "entryDN", "createTimestamp", "entryUUID", "jpegPhoto", "homeDirectory", "objectClass", "employeeNumber"),
)

law = settings(deadline=None, max_examples=50)
seeds = st.integers(0, 2**64)


def query(item: Filter, order: sort_keys.Order) -> Query:
    base = DN.parse(BASE)
    return Query(base, base.key, WHOLE_SUBTREE, item, ("1.1",), order=order)


def names(found: list[bytes] | None) -> list[str]:
    assert found is not None
    return [entries.object_name(entry).decode() for entry in found]


def sliced(search: SortedSearch) -> list[str]:
    search.open()
    found = []
    while (some := search.next_slice(3)) is not None:
        found += some
    search.close()
    return names(found)


def least(oracle: Oracle, row: Row, attribute: str) -> bytes | None:
    """The smallest key that an entry has of an attribute, reckoned from the values that may be seen."""
    values = oracle.values(row)
    kinds = schema.subtypes(schema.canonical(attribute))
    readable = [kind for kind in kinds if oracle.readable is None or kind in oracle.readable or kind in oracle_always(kind)]
    keys = [matching_rules.equality_key(kind, value) for kind in readable for value in values.get(kind, ())]
    return min((stored_key(kinds[0], key) for key in keys if key), default=None)


def oracle_always(kind: str) -> tuple[str, ...]:
    return (kind,) if kind in ("objectclass", "entryuuid", "entrydn", "createtimestamp") else ()


def expected(oracle: Oracle, item: Filter, keys: tuple[SortKey, ...]) -> list[str]:
    found = oracle.found(BASE, WHOLE_SUBTREE, item)
    rows = sorted((row for row in oracle.rows if row[6] in found), key=lambda row: row[0])
    for key in reversed(keys):
        by_row = {row[6]: least(oracle, row, key.attribute) for row in rows}
        having = sorted(
            (row for row in rows if by_row[row[6]] is not None), key=lambda row: by_row[row[6]] or b"", reverse=key.reverse
        )
        lacking = [row for row in rows if by_row[row[6]] is None]
        rows = [*lacking, *having] if key.reverse else [*having, *lacking]
    return [row[6] for row in rows]


def agree(reader: ViewReader, oracle: Oracle, access: Access, random: Random) -> None:
    maker = FilterMaker(random, [oracle.values(row) for row in oracle.rows])
    searcher = ViewSearcher(reader, access)
    for _ in range(SEARCHES):
        keys = tuple(SortKey(random.choice(SORTABLE), None, random.random() < 0.5) for _ in range(random.choice((1, 1, 2, 3))))
        item = maker.filter(2)
        try:
            order = sort_keys.order(keys, access.attributes)
        except sort_keys.CannotSort as error:
            assert access.attributes is not None, error
            continue
        at_once = names(SortedSearch(searcher, query(item, order)).at_once())
        assert at_once == expected(oracle, item, keys), keys
        assert sliced(SortedSearch(searcher, query(item, order))) == at_once
        located(SortedSearch(searcher, query(item, order)), at_once, order, random)


def located(search: SortedSearch, found: list[str], order: sort_keys.Order, random: Random) -> None:
    """The list has what was found, and a value's place is where the entries that are not before it begin."""
    search.open()
    search.arrange(exactly=True)
    assert search.count == len(found)
    asserted = random.choice((b"a", b"anna", b"", b"~", b"7"))
    place = search.locate(asserted)
    keys = [search._place_key(one) for one in range(search.count)]
    at_or_behind = [key <= (False, asserted) if order[0].reverse else key >= (False, asserted) for key in keys]
    assert at_or_behind == [one >= place for one in range(len(found))]
    search.seek(place, search.count)
    assert names(search.next_slice(1000) or []) == found[place:]
    search.close()


@law
@given(seeds)
def test_entries_come_in_the_order_that_python_sorts_them_in(seed: int) -> None:
    random = Random(seed)
    directory = random_directory(random)
    with written(directory) as reader:
        agree(reader, Oracle(directory, all_rows(reader), EVERYTHING), EVERYTHING, random)


@law
@given(seeds)
@example(1036)  # a rule without an attribute, asked of a group of whose members none is seen
def test_a_narrowed_party_gets_its_entries_in_order_by_readable_attributes(seed: int) -> None:
    random = Random(seed)
    directory = random_directory(random)
    access = random_access(random, directory)
    with written(directory) as reader:
        agree(reader, Oracle(directory, all_rows(reader), access), access, random)
