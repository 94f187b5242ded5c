"""Operations that are known and not done here: each says where to write, and none changes anything."""

import pytest
import pytest_twisted

from gateway.frontends.developer.routes import REFUSED
from gateway.model.objects import ROOT_ORGANIZATION_ID
from gateway.store.log import changes
from tests.frontends.developer.conftest import Company, World

WRITES = [row[:3] for row in REFUSED if row[0] != "GetUserInfo"]


@pytest.mark.parametrize(("operation", "method", "path"), WRITES, ids=[row[0] for row in WRITES])
@pytest_twisted.ensureDeferred
async def test_a_write_is_refused_and_says_where_to_write(
    world: World, company: Company, operation: str, method: str, path: str
) -> None:
    client = world.client("a")
    before = world.directory.database.read_blocking(changes.last)
    for name, value in (("user", company.ann), ("organizational_unit", company.it), ("group", company.staff)):
        path = path.replace(f"<{name}_id>", value)
    answer = await client.call(method, path, {"anything": ["goes"]})
    assert (answer.status, answer.json["code"]) == (405, "OperationNotSupported")
    expected = "create them there." if operation.startswith("Create") else "in the source berlin (ldap); write there."
    assert answer.json["message"].endswith(expected)
    assert "allow" in answer.headers
    assert world.directory.database.read_blocking(changes.last) == before


@pytest_twisted.ensureDeferred
async def test_the_root_belongs_to_the_gateway(world: World) -> None:
    answer = await world.client("a").call("DELETE", f"/organizationalUnits/{ROOT_ORGANIZATION_ID}")
    assert answer.json["message"].endswith("belongs to the gateway itself and cannot be written over this API.")


@pytest_twisted.ensureDeferred
async def test_user_info_needs_a_users_token(world: World) -> None:
    answer = await world.client("a").call("GET", "/oauth2/userinfo")
    assert (answer.status, answer.json["code"]) == (403, "InsufficientScope")


@pytest_twisted.ensureDeferred
async def test_a_write_needs_a_token_like_a_read(world: World) -> None:
    client = world.client("a")
    client.token = "nothing"
    assert (await client.call("POST", "/users", {})).status == 401
