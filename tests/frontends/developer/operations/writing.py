"""What tests of the API's writes share: a client that may write, and objects that a source has."""

from typing import Any

from gateway.model.applications import Grant, Scope
from gateway.model.deltas import Batch
from gateway.store.log import changes
from gateway.store.objects import users
from gateway.sync.inbound import Inbound
from tests.frontends.developer.conftest import Client, World
from tests.sync.synced_store import group, person, unit

SOURCE = "berlin"


def writer(world: World, name: str = "portal", scope: Scope | None = None, **rights: Any) -> Client:
    """A client that may write, and set passwords."""
    return world.client(name, scope, **{"grants": frozenset({Grant.WRITE, Grant.PASSWORDS}), **rights})


def log_end(world: World) -> int:
    """The number of the last change."""
    return world.directory.database.read_blocking(changes.last)


async def made(client: Client, username: str, **fields: Any) -> str:
    """The id of a user that is made."""
    return str((await client.done("POST", "/users", {"username": username, **fields}))["userId"])


async def made_unit(client: Client, name: str, parent_id: str | None = None) -> str:
    """The id of an organizational unit that is made."""
    body = {"organizationalUnitName": name, **({"parentId": parent_id} if parent_id else {})}
    return str((await client.done("POST", "/organizationalUnits", body))["organizationalUnitId"])


async def made_group(client: Client, name: str) -> str:
    """The id of a group that is made."""
    return str((await client.done("POST", "/groups", {"groupName": name}))["groupId"])


def from_source(world: World) -> str:
    """The id of `carla`, whom a source has with the unit `Berlin` and the group `team`."""
    database = world.directory.database
    deltas = (unit("Berlin"), person("carla", "ou=Berlin", email="carla@berlin.test"), group("team", "uid=carla,ou=Berlin"))
    database.write_blocking(lambda c: Inbound(SOURCE, "ldap").apply(c, Batch(deltas)))
    found = database.read_blocking(lambda c: users.id_by_username(c, "carla"))
    assert found is not None
    return found
