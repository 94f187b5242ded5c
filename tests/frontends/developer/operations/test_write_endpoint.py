"""The one way of every write: grant, If-Match, Idempotency-Key, the audit's log line."""

import pytest
import pytest_twisted
from structlog.testing import capture_logs
from twisted.internet.defer import gatherResults

from gateway.app.parts.clock import now
from gateway.frontends.developer.routes import WRITING
from gateway.store.clients import applications, idempotency_keys
from tests.frontends.developer.conftest import Company, World
from tests.frontends.developer.operations.writing import log_end, made, writer

WRITES = [("CreateUser", "POST", "/users"), *(row[:3] for row in WRITING)]
BODY = {"username": "x", "groupName": "x", "organizationalUnitName": "x", "parentId": "x", "userIds": ["x"]}
ALL = {**BODY, "organizationalUnitIds": ["x"], "organizationalUnitId": "x"}


@pytest.mark.parametrize(("operation", "method", "path"), WRITES, ids=[row[0] for row in WRITES])
@pytest_twisted.ensureDeferred
async def test_a_write_needs_a_token_and_the_grant(
    world: World, company: Company, operation: str, method: str, path: str
) -> None:
    client = world.client("reader")
    before = log_end(world)
    for name, value in (("user", company.ann), ("organizational_unit", company.it), ("group", company.staff)):
        path = path.replace(f"<{name}_id>", value)
    status, code, message = await client.refused(method, path, ALL)
    assert (status, code) == (403, "Forbidden")
    assert '"write"' in message
    assert "berlin" in message, "it says where else"
    client.token = "nothing"
    assert (await client.refused(method, path, ALL))[0] == 401
    assert log_end(world) == before


@pytest_twisted.ensureDeferred
async def test_a_grant_that_is_taken_away_counts_at_once(world: World) -> None:
    client = writer(world)
    world.directory.database.write_blocking(lambda c: applications.set_grants(c, client.application.id, ()))
    assert (await client.refused("POST", "/groups", {"groupName": "x"}))[0] == 403


@pytest_twisted.ensureDeferred
async def test_a_record_that_has_changed_is_not_written_over(world: World) -> None:
    client = writer(world)
    anna = await made(client, "anna")
    first = (await client.call("GET", f"/users/{anna}")).headers["etag"]
    assert (await client.call("GET", f"/users/{anna}", If_None_Match=f"W/{first}")).status == 304
    await client.done("PATCH", f"/users/{anna}", {"displayName": "Anna"}, If_Match=first)
    before = log_end(world)
    for method, path, body in (
        ("PATCH", "", {"displayName": "Anne"}),
        ("DELETE", "", None),
        ("POST", "/actions/disable", None),
    ):
        assert (await client.refused(method, f"/users/{anna}{path}", body, If_Match=first))[:2] == (412, "PreconditionFailed")
        assert (await client.refused(method, f"/users/{anna}{path}", body, If_Match=f"W/{first}"))[0] == 412
    assert log_end(world) == before
    second = (await client.call("GET", f"/users/{anna}")).headers["etag"]
    assert second != first
    await client.done("PATCH", f"/users/{anna}", {"displayName": "Anne"}, If_Match=f'"other", {second}')
    await client.done("DELETE", f"/users/{anna}", If_Match="*")


@pytest_twisted.ensureDeferred
async def test_a_request_that_is_repeated_under_its_key_is_done_once(world: World) -> None:
    client, other = writer(world), writer(world, "other")
    first = await client.done("POST", "/groups", {"groupName": "staff"}, Idempotency_Key="k1")
    after = log_end(world)
    assert await client.done("POST", "/groups", {"groupName": "staff"}, Idempotency_Key='"k1"') == first
    assert log_end(world) == after
    status, code, message = await client.refused("POST", "/groups", {"groupName": "board"}, Idempotency_Key="k1")
    assert (status, code) == (409, "Conflict")
    assert "Idempotency-Key" in message
    assert (await other.done("POST", "/groups", {"groupName": "board"}, Idempotency_Key="k1")) != first
    await client.done("DELETE", f"/groups/{first['groupId']}", Idempotency_Key="k2")
    assert await client.done("DELETE", f"/groups/{first['groupId']}", Idempotency_Key="k2") == {}


@pytest_twisted.ensureDeferred
async def test_requests_with_one_key_at_one_time_are_one(world: World) -> None:
    client = writer(world)
    body = {"organizationalUnitName": "Sales"}
    sent = [client.call("POST", "/organizationalUnits", body, Idempotency_Key="k") for _ in range(4)]
    answers = await gatherResults(sent)
    assert [one.status for one in answers] == [200] * 4
    assert len({one.json["organizationalUnitId"] for one in answers}) == 1


@pytest_twisted.ensureDeferred
async def test_a_refused_request_leaves_its_key_free(world: World) -> None:
    client = writer(world)
    assert (await client.refused("POST", "/groups", {}, Idempotency_Key="k"))[0] == 400
    anna = await made(client, "anna")
    assert (await client.refused("POST", "/users", {"username": "anna"}, Idempotency_Key="k"))[0] == 409
    await client.done("DELETE", f"/users/{anna}")
    assert (await client.done("POST", "/users", {"username": "anna"}, Idempotency_Key="k"))["userId"]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, 'a"b'])
@pytest_twisted.ensureDeferred
async def test_a_key_that_cannot_be_is_refused(world: World, key: str) -> None:
    client = writer(world)
    assert (await client.refused("POST", "/groups", {"groupName": "x"}, Idempotency_Key=key))[:2] == (400, "InvalidParameter")


@pytest_twisted.ensureDeferred
async def test_law_12_nothing_of_a_password_is_kept_with_a_key(world: World) -> None:
    client = writer(world)
    body = {"username": "anna", "password": "right horse battery"}
    await client.done("POST", "/users", body, Idempotency_Key="k")
    again = {**body, "password": "another one altogether"}
    assert (await client.done("POST", "/users", again, Idempotency_Key="k"))["userId"], "the digest does not depend on it"


@pytest_twisted.ensureDeferred
async def test_keys_end_after_a_day(world: World) -> None:
    client = writer(world)
    await client.done("POST", "/groups", {"groupName": "staff"}, Idempotency_Key="k")
    database = world.directory.database
    later = now() + idempotency_keys.KEPT
    assert database.write_blocking(lambda c: idempotency_keys.find(c, client.application.id, "k", now())) is not None
    assert database.write_blocking(lambda c: idempotency_keys.find(c, client.application.id, "k", later)) is None


@pytest_twisted.ensureDeferred
async def test_a_write_is_told_in_the_log_without_its_values(world: World) -> None:
    client = writer(world)
    with capture_logs() as lines:
        anna = await made(client, "anna", displayName="Hidden Name", password="hidden password")
    [line] = [one for one in lines if one["event"] == "write"]
    assert (line["operation"], line["application"], line["object"], line["kind"]) == ("CreateUser", "portal", anna, "user")
    assert line["peer"] == "127.0.0.1"
    assert "idden" not in str(lines)
