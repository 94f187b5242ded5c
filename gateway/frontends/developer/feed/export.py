"""GET /export: the whole of what a caller sees as NDJSON, and as its last line the nextToken to go on from with /changes.

The position in the log is taken first, so whatever changes while the stream runs is told by /changes again. Each chunk is a
transaction of its own, read only when the client has taken the one before: memory stays flat, and nobody waits for a slow
client. A stream that ends without its last line is not complete."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.frontends.developer.feed.position import start, token_of
from gateway.frontends.developer.records.caller_scope import Caller, Visible
from gateway.frontends.http.request import lines
from gateway.model.objects import Kind, Member
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, organizations, scoped_queries

OBJECTS_AT_ONCE = 500
"""Units or users in a chunk: some 400 KB, some 20 ms of a thread."""

GROUPS_AT_ONCE = 50
MEMBERS_AT_ONCE = 1_000
"""Members in a line; a larger group goes on in further lines."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was found when the export began."""

    number: int
    unit_ids: list[str]
    scope: frozenset[str] | None


class Export:
    """One run. Lines are `{"kind": "organization" | "user", "object"}`, `{"kind": "group", "object", "members"}`,
    `{"kind": "members", "groupId", "members"}`, and last `{"nextToken"}`; parents before children, users before groups."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database = database
        self._caller = caller

    async def chunks(self) -> AsyncIterator[bytes]:
        """The stream. Raises StoreUnavailable in the middle when the store goes away."""
        plan = await self._database.read(self._plan)
        for first in range(0, len(plan.unit_ids), OBJECTS_AT_ONCE):
            ids = plan.unit_ids[first : first + OBJECTS_AT_ONCE]
            yield await self._database.read(partial(self._units, plan=plan, ids=ids))
        async for chunk in self._users(plan):
            yield chunk
        async for chunk in self._groups(plan):
            yield chunk
        yield lines([{"nextToken": token_of(self._caller, start(self._caller, plan.number))}])

    def _plan(self, connection: Connection) -> _Plan:
        visible = Visible(connection, self._caller)
        number = changes.last(connection)
        order: list[str] = []
        level = [unit.id for unit in visible.top_organizations()]
        while level:
            order += level
            level = organizations.child_ids(connection, level)
        return _Plan(number, order, visible.organization_ids)

    def _units(self, connection: Connection, plan: _Plan, ids: list[str]) -> bytes:
        visible = Visible(connection, self._caller, plan.scope)
        found = organizations.get_many(connection, ids)
        return lines(_line(Kind.ORGANIZATION, visible.unit_record(found[unit_id])) for unit_id in ids if unit_id in found)

    async def _users(self, plan: _Plan) -> AsyncIterator[bytes]:
        after: str | None = ""
        while after is not None:
            chunk, after = await self._database.read(partial(self._some_users, plan=plan, after=after))
            if chunk:
                yield chunk

    def _some_users(self, connection: Connection, plan: _Plan, after: str) -> tuple[bytes, str | None]:
        visible = Visible(connection, self._caller, plan.scope)
        found = scoped_queries.users_in(connection, plan.scope, after, OBJECTS_AT_ONCE)
        chunk = lines(_line(Kind.USER, detail) for detail in visible.user_details(found))
        return chunk, found[-1].id if len(found) == OBJECTS_AT_ONCE else None

    async def _groups(self, plan: _Plan) -> AsyncIterator[bytes]:
        after: str | None = ""
        while after is not None:
            chunk, unfinished, after = await self._database.read(partial(self._some_groups, plan=plan, after=after))
            if chunk:
                yield chunk
            for group_id, member_after in unfinished:
                async for rest in self._further_members(plan, group_id, member_after):
                    yield rest

    def _some_groups(self, connection: Connection, plan: _Plan, after: str) -> tuple[bytes, list[tuple[str, str]], str | None]:
        """Some groups with their first members; which of them have more, from where; the last id, None at the end."""
        visible = Visible(connection, self._caller, plan.scope)
        found = groups.page(connection, "", visible.scope.group_ids, after, GROUPS_AT_ONCE)
        told, unfinished = [], []
        for group in found:
            members = memberships.members(connection, group.id, "", MEMBERS_AT_ONCE)
            told.append({**_line(Kind.GROUP, visible.group_record(group)), "members": _members(visible.members(members))})
            if len(members) == MEMBERS_AT_ONCE:
                unfinished.append((group.id, members[-1].id))
        return lines(told), unfinished, found[-1].id if len(found) == GROUPS_AT_ONCE else None

    async def _further_members(self, plan: _Plan, group_id: str, after: str) -> AsyncIterator[bytes]:
        position: str | None = after
        while position is not None:
            chunk, position = await self._database.read(
                partial(self._some_members, plan=plan, group_id=group_id, after=position)
            )
            if chunk:
                yield chunk

    def _some_members(self, connection: Connection, plan: _Plan, group_id: str, after: str) -> tuple[bytes, str | None]:
        visible = Visible(connection, self._caller, plan.scope)
        members = memberships.members(connection, group_id, after, MEMBERS_AT_ONCE)
        if not members:
            return b"", None
        chunk = lines([{"kind": "members", "groupId": group_id, "members": _members(visible.members(members))}])
        return chunk, members[-1].id


def _line(kind: Kind, record: object) -> dict[str, Any]:
    return {"kind": kind.value, "object": record}


def _members(found: Iterable[Member]) -> list[dict[str, str]]:
    return [{"kind": member.kind.value, "id": member.id} for member in found]
