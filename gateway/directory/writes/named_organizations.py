"""The organizations that a new person's entry names (in `ou`, where the view shows their names there): what is shown can be
said back (law 16), so it says where the person belongs.

A value can only mean an organization that the writing party sees."""

from collections.abc import Sequence

from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import Row
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from gateway.wire import entries
from gateway.wire.filters import Equality
from gateway.wire.messages import WHOLE_SUBTREE


def organizations_named(searcher: ViewSearcher, description: str, values: Sequence[bytes], parent: Row) -> tuple[str, ...]:
    """Return the ids of the organizations, that of `parent` first: the entry below which the new one stands. Raises
    WriteRefused for a name that no organization has, or several, or when the parent's is missing."""
    above = parent[2] if parent[1] == Kind.ORGANIZATION else None
    found = [_meant(searcher, description, value, above) for value in values]
    if above is not None and above not in found:
        raise WriteRefused(Violation.CONSTRAINT, f"{description} must name the organization below which the entry stands")
    return tuple(dict.fromkeys(found if above is None else (above, *found)))


def _meant(searcher: ViewSearcher, description: str, value: bytes, above: str | None) -> str:
    ids = _ids(searcher, value)
    if above in ids:
        return str(above)
    if len(ids) == 1:
        return ids[0]
    shown = value.decode("utf-8", "replace")
    words = f"several organizations are named {shown!r}" if ids else f"no organization is named {shown!r} here"
    raise WriteRefused(Violation.CONSTRAINT, f"{description} cannot be taken: {words}")


def _ids(searcher: ViewSearcher, value: bytes) -> list[str]:
    view = searcher.reader.view
    if Kind.ORGANIZATION not in view.rules:
        return []
    item = Equality(view.rules[Kind.ORGANIZATION].naming.lower(), value)
    query = Query(view.base, searcher.reader.root_key, WHOLE_SUBTREE, item, ("1.1",))
    names = [entries.decode_entry(encoded)[0] for encoded in Search(searcher, query).at_once() or ()]
    rows = [searcher.reader.row(DN.parse(name.decode()).key) for name in names]
    return [row[2] for row in rows if row is not None and row[1] == Kind.ORGANIZATION]
