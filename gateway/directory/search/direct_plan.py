"""The direct plan: a search that one statement answers as it stands, ready but for the values. The LDAP server keeps one for
each request that comes again and again, and runs it without any of the steps of an ordinary search."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.directory.planning.filter_shape import ONE_PIECE, Key, Shape
from gateway.directory.planning.plan_nodes import POINT_COST
from gateway.directory.search.attribute_selection import Renderer
from gateway.directory.search.group_names import LISTED_BY
from gateway.directory.search.query import Query
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import ENCODED, ROW

DIRECT_ROWS = 20
"""More entries than this are not worth the short way. A piece may be in every value: one row more is taken, and no further."""

KeyMaker = Callable[[bytes], Key | None]
"""Assertion value → the key to look for; None: the search must go the ordinary way."""


@dataclass(frozen=True, slots=True)
class DirectPlan:
    """A search for equality assertions, or for one piece in the middle of values. Parameters are `base`, then for each value
    what its function in `keys` makes of it. More than DIRECT_ROWS rows mean that there may be others. Assertions about an
    entry's kind (kind_constants.OF_ITS_KIND) are in the plan with their values. `render` makes what is sent of a row, whose
    columns differ from plan to plan; None: the first column is sent as it is."""

    sql: str
    base: tuple[Key, ...]
    keys: tuple[KeyMaker, ...]
    render: Callable[[Any], bytes] | None


def prepare(searcher: ViewSearcher, query: Query) -> DirectPlan | None:
    """Return the direct plan for a search; None when it must go the ordinary way."""
    reader = searcher.reader
    if not searcher.access.is_everything or not reader.is_container(query.base_key):
        return None
    asserted: list[Key] = []
    shape = searcher.shape(query.filter, asserted)
    parts = [part for part in (shape[1:] if shape[0] in ("&", "|") else [shape]) if isinstance(part, tuple)]
    keys = [_key_maker(searcher, part) for part in parts if part[0] != "is"]
    if None in keys:
        return None
    renderer = searcher.renderer_of(query)
    scope, base = reader.plans.scope_of(query.base_key, query.scope)
    prepared = reader.plans.prepare(shape, scope, _columns(searcher, renderer))
    if not prepared.plan.exact or prepared.plan.cost > POINT_COST or prepared.parameters != len(base) + len(keys):
        return None
    has_pieces = any(part[0] == "~" for part in parts)
    if has_pieces and shape[0] == "|":  # all are found before one is given
        return None
    sql = f"{prepared.sql} LIMIT {DIRECT_ROWS + 1}" if has_pieces else prepared.sql
    return DirectPlan(sql, base, tuple(key for key in keys if key is not None), _render(searcher, renderer))


def _key_maker(searcher: ViewSearcher, part: Shape) -> KeyMaker | None:
    """Return the function for the key of an assertion's value; None for what is neither equality nor one piece of three or more
    characters."""
    if part[0] == "=":
        return partial(searcher.key, str(part[1]))
    if part[0] == "~" and part[2] == ONE_PIECE:
        return partial(searcher.piece, str(part[1]))
    return partial(_member_key, searcher) if part == ("member",) else None


def _member_key(searcher: ViewSearcher, value: bytes) -> str | None:
    key = searcher.key("member", value)
    return None if key is None else key.decode()


def _columns(searcher: ViewSearcher, renderer: Renderer) -> str:
    """Return the columns that `_render` needs of a row."""
    if not renderer.needs_operational:
        return ENCODED
    return f"{ENCODED}, {LISTED_BY}" if _lists_groups(searcher, renderer) else ROW


def _lists_groups(searcher: ViewSearcher, renderer: Renderer) -> bool:
    """Return whether one statement finds the entry and all that is added to it: the groups that list it, and no others."""
    return renderer.adds_member_of_alone and not searcher.reader.view.transitive_member_of


def _render(searcher: ViewSearcher, renderer: Renderer) -> Callable[[Any], bytes] | None:
    if renderer.changes_nothing:
        return None
    if not renderer.needs_operational:
        return lambda row: renderer(row[0])
    if _lists_groups(searcher, renderer):
        with_more, member_of = renderer.with_more, searcher.reader.names.member_of
        return lambda row: with_more(row[0], b"" if row[1] is None else member_of(row[1], row[2]))
    visible = searcher.visible_rows(searcher.reader.connection)
    return lambda row: renderer(row[4], row[5], visible.dynamic_values(row, renderer.dynamic))
