"""Member changes: the members that values of member, uniqueMember or memberUid mean, and the edit that modifications of them
make.

A value can only mean an entry that the writing party sees; members that it does not see stay, whatever it writes."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import ROW, Row
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.edits import Edit
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind, Member
from gateway.wire import entries
from gateway.wire.filters import Equality
from gateway.wire.messages import ADD, DELETE, REPLACE, WHOLE_SUBTREE, Modification

_OPTIONAL_UID: Final = re.compile(rb"#'[01]*'B$")
"""The second half of uniqueMember's syntax (RFC 4517 §3.3.21), which has no meaning here."""

_MEMBERS: Final = f"SELECT {ROW} FROM member m JOIN entry e ON e.id = m.member_entry WHERE m.group_entry = ?"
_BY_LOGIN: Final = "memberuid"
_KINDS: Final = {kind.value: kind for kind in (Kind.USER, Kind.GROUP)}

AT_ONCE: Final = 100
"""Members looked up in one turn of the reactor: a few milliseconds."""

Turn: TypeAlias = Callable[[], Awaitable[object]]

Change: TypeAlias = tuple[str, int, tuple[Member, ...]]
"""The attribute (key), an operation (ADD, DELETE, REPLACE) and the members that it names; none: all of them."""


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """The modifications of a group's members. `seen`: the members that the party sees now.

    Two attributes that say the same (`member`, `memberUid`) are one statement: each is modified as if it were alone, and what
    either changes is changed."""

    changes: tuple[Change, ...] = ()
    seen: tuple[Member, ...] = ()

    @property
    def mentioned(self) -> frozenset[Member]:
        """The members whose membership must be known to carry the modifications out."""
        return frozenset(self.seen).union(*(members for _, _, members in self.changes))

    def edit(self, present: Set[Member]) -> Edit:
        """Return the edit: the members that join and leave. `present`: those of `mentioned` that are members. Raises
        WriteRefused."""
        shown = {attribute: {one for one in present if _lists(attribute, one)} for attribute, _, _ in self.changes}
        now = {attribute: set(members) for attribute, members in shown.items()}
        for attribute, operation, members in self.changes:
            _apply(now[attribute], operation, members, shown[attribute] & set(self.seen))
        named = {
            one
            for attribute, operation, members in self.changes
            if operation != DELETE
            for one in members
            if one in now[attribute]
        }
        added = {member for attribute, members in now.items() for member in members - shown[attribute]}
        removed = {member for attribute, members in now.items() for member in shown[attribute] - members} & self.mentioned
        if removed & named:
            raise WriteRefused(Violation.CONSTRAINT, f"{' and '.join(now)} contradict each other")
        return Edit(added_members=tuple(sorted(added, key=_order)), removed_members=tuple(sorted(removed, key=_order)))


def _lists(attribute: str, member: Member) -> bool:
    """Return whether an attribute of groups shows such a member."""
    return attribute != _BY_LOGIN or member.kind is Kind.USER


def _apply(now: set[Member], operation: int, members: Sequence[Member], seen: Set[Member]) -> None:
    if len(set(members)) < len(members):
        raise WriteRefused(Violation.EXISTS, "a member is given twice")
    if operation == ADD:
        if now & set(members):
            raise WriteRefused(Violation.EXISTS, "one of them is a member already")
        now |= set(members)
    elif operation == REPLACE:
        now -= now & seen
        now |= set(members)
    elif members:
        if not now >= set(members):
            raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, "one of them is no member")
        now -= set(members)
    else:
        if not now:
            raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, "the group has no members")
        now -= now & seen


def _order(member: Member) -> str:
    return member.id


async def changes_of(
    searcher: ViewSearcher, group: Row | None, modifications: Iterable[Modification], turn: Turn
) -> MemberChanges:
    """Resolve modifications of member attributes. `group`: the entry as it is; None for a new one. `turn` returns when other
    requests have been served: a request may name 100,000 members. Raises WriteRefused."""
    changes: list[Change] = []
    sees_all = False
    for modification in modifications:
        attribute = attribute_key(modification.attribute.type)
        find = _FINDERS[attribute]
        values = modification.attribute.values
        if modification.operation not in (ADD, DELETE, REPLACE):
            raise WriteRefused(Violation.CONSTRAINT, "members cannot be incremented")
        if modification.operation == ADD and not values:
            raise WriteRefused(Violation.PROTOCOL, "no member is given to add")
        sees_all = sees_all or modification.operation == REPLACE or not values
        members: list[Member] = []
        for start in range(0, len(values), AT_ONCE):
            members += [find(searcher, value) for value in values[start : start + AT_ONCE]]
            if len(members) < len(values):
                await turn()
        changes.append((attribute, modification.operation, tuple(members)))
    return MemberChanges(tuple(changes), _seen(searcher, group) if sees_all and group is not None else ())


def _seen(searcher: ViewSearcher, group: Row) -> tuple[Member, ...]:
    visible = searcher.visible_rows(searcher.reader.connection)
    rows: list[Row] = searcher.reader.execute(_MEMBERS, (group[0],)).fetchall()
    return tuple(Member(_KINDS[row[1]], row[2]) for row in rows if row[1] in _KINDS and visible.shows(row))


def _by_name(searcher: ViewSearcher, value: bytes) -> Member:
    try:
        key = dn.key(_OPTIONAL_UID.sub(b"", value).decode())
    except (dn.InvalidDN, UnicodeDecodeError):
        raise WriteRefused(Violation.SYNTAX, "a member is not given by a distinguished name") from None
    row = searcher.reader.row(key)
    if row is None or row[1] not in _KINDS or not searcher.visible_rows(searcher.reader.connection).shows(row):
        raise WriteRefused(Violation.CONSTRAINT, f"no user or group is named {dn.from_key(key)} here")
    return Member(_KINDS[row[1]], row[2])


def _by_login(searcher: ViewSearcher, value: bytes) -> Member:
    base = searcher.reader.view.base
    query = Query(base, searcher.reader.root_key, WHOLE_SUBTREE, Equality("uid", value), ("1.1",))
    for encoded in Search(searcher, query).at_once() or ():
        name, _ = entries.decode_entry(encoded)
        row = searcher.reader.row(DN.parse(name.decode()).key)
        if row is not None and row[1] == Kind.USER:
            return Member(Kind.USER, row[2])
    raise WriteRefused(Violation.CONSTRAINT, f"no user has the login name {value.decode('utf-8', 'replace')!r} here")


_FINDERS: Mapping[str, Callable[[ViewSearcher, bytes], Member]] = {
    "member": _by_name,
    "uniquemember": _by_name,
    _BY_LOGIN: _by_login,
}
"""Attribute (key) → the function for the member that a value means."""

MEMBER_ATTRIBUTES: Final = frozenset(_FINDERS)
