"""A reader of /changes as an application would write it: puts what it is told, and ends with what it may see."""

from typing import Any

import msgspec

from gateway.frontends.developer.feed.change_feed import Page
from gateway.frontends.developer.feed.position import Position, position_of, token_of
from gateway.frontends.developer.records.caller_scope import Caller, Visible
from gateway.model.applications import Application
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, organizations, scoped_queries
from gateway.store.operations.instance import instance_id

Picture = dict[str, Any]
"""Everything by id, records as JSON; a group's record has its "members" as a set of ids."""


class Reader:
    """Follows the feed page by page, without HTTP."""

    def __init__(self, database: Database, application: Application, token: str | None = None) -> None:
        self.database = database
        self.caller = Caller(database.read_blocking(instance_id), application)
        self.token = token
        self.objects: Picture = {}
        self.told: list[dict[str, Any]] = []

    def read(self, limit: int) -> bool:
        """One page; whether there is more."""

        def work(connection: Connection) -> tuple[bytes, str, bool]:
            position: Position = position_of(self.caller, self.token, changes.last(connection))
            page = Page(Visible(connection, self.caller), position, limit)
            page.fill()
            assert len(page.items) <= limit
            return msgspec.json.encode(page.items), token_of(self.caller, page.position), page.more

        items, self.token, more = self.database.read_blocking(work)
        for item in msgspec.json.decode(items):
            self.told.append(item)
            self.put(item)
        return more

    def read_all(self, limit: int = 100) -> None:
        """Every page there is."""
        while self.read(limit):
            pass

    def put(self, item: dict[str, Any]) -> None:
        """Take one item into the picture."""
        if item["type"] == "delete":
            self.objects.pop(item["id"], None)
            for held in self.objects.values():
                held.get("members", set()).discard(item["id"])
            return
        members = self.objects.get(item["id"], {}).get("members", set())
        record = self.objects[item["id"]] = {**item["object"]}
        if item["kind"] == "group":
            members |= {member["id"] for member in item["addedMembers"]}
            record["members"] = members - {member["id"] for member in item["removedMembers"]}
        elif item["kind"] == "user":
            self.join(item["id"], record)

    def join(self, user_id: str, record: dict[str, Any]) -> None:
        """A user's record says in which groups the user is."""
        within = {group["groupId"] for group in record["groups"]}
        for held in self.objects.values():
            if "members" in held:
                (held["members"].add if held["groupId"] in within else held["members"].discard)(user_id)


def present(database: Database, caller: Caller) -> Picture:
    """What the caller sees now, read straight from the store."""

    def work(connection: Connection) -> Picture:
        visible = Visible(connection, caller)
        picture: dict[str, Any] = {}
        for user in visible.user_details(scoped_queries.users_in(connection, visible.organization_ids, "", 10_000)):
            picture[user.user_id] = user
        for unit in organizations.iterate(connection, "", 10_000):
            if visible.has_organization(unit.id):
                picture[unit.id] = visible.unit_record(unit)
        decoded: Picture = msgspec.json.decode(msgspec.json.encode(picture))
        for group in groups.page(connection, "", visible.scope.group_ids, "", 10_000):
            members = visible.members(memberships.members(connection, group.id, "", 10_000))
            record = msgspec.json.decode(msgspec.json.encode(visible.group_record(group)))
            decoded[group.id] = {**record, "members": {member.id for member in members}}
        return decoded

    return database.read_blocking(work)


def seen(objects: Picture) -> Picture:
    """A picture without what a later change of another object alters: the names of a user's units and groups, and whether a
    unit's parent is in scope."""
    return {key: _stripped(record) for key, record in objects.items()}


def _stripped(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("groups", "organizationalUnits", "parentId")}
