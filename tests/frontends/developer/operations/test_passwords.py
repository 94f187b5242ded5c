"""Passwords over the API: who may set them, where they are kept, and that none is ever shown again."""

from typing import Any

import pytest
import pytest_twisted
from structlog.testing import capture_logs

from gateway.directory.authentication.password_hashing import verify_blocking
from gateway.model.applications import Scope
from gateway.model.records import Situation
from gateway.store.clients import application_passwords
from gateway.store.objects import passwords
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from tests.frontends.developer.conftest import SOURCE_PASSWORDS, Client, Company, World
from tests.frontends.http.serving import Response

NEW = "a new password"


async def update(client: Client, user_id: str, body: Any = None) -> Response:
    body = {"password": NEW} if body is None else body
    return await client.call("POST", f"/users/{user_id}/actions/updateUserPassword", body)


def local_hash(world: World, user_id: str) -> str | None:
    return world.directory.database.read_blocking(lambda c: passwords.local_hash(c, user_id))


def vouched_for(world: World, user_id: str) -> None:
    """The person has an account at the source that keeps passwords."""
    row = RecordRow(
        1, SOURCE_PASSWORDS, "user", "x", "uid=x", "k", None, "{}", None, Situation.LINKED.value, "", user_id, "rule:test", 0
    )
    world.directory.database.write_blocking(lambda c: record_rows.insert(c, [row]))


@pytest_twisted.ensureDeferred
async def test_an_application_with_the_grant_sets_and_clears_a_local_password(world: World, company: Company) -> None:
    client = world.client("portal", grants=["passwords"])
    assert (await client.get(f"/users/{company.ann}"))["passwordSet"] is False
    answer = await update(client, company.ann)
    assert (answer.status, answer.json) == (200, {})
    kept = local_hash(world, company.ann)
    assert kept is not None and verify_blocking(kept, NEW.encode())
    assert (await client.get(f"/users/{company.ann}"))["passwordSet"] is True
    listed = {user["userId"]: user["passwordSet"] for user in (await client.get("/users"))["data"]}
    assert listed == {company.ann: True, company.bob: False, company.eve: False}
    for _ in range(2):
        cleared = await client.call("POST", f"/users/{company.ann}/actions/clearUserPassword", {})
        assert (cleared.status, cleared.json) == (200, {})
    assert local_hash(world, company.ann) is None


@pytest_twisted.ensureDeferred
async def test_without_the_grant_or_outside_of_the_scope_nothing_is_done(world: World, company: Company) -> None:
    reader, narrow = world.client("reader"), world.client("narrow", Scope((company.it,)), grants=["passwords"])
    calls = [
        ("POST", f"/users/{company.bob}/actions/updateUserPassword", {"password": NEW}),
        ("POST", f"/users/{company.bob}/actions/clearUserPassword", {}),
        ("GET", f"/users/{company.bob}/applicationPasswords", None),
        ("POST", f"/users/{company.bob}/applicationPasswords", {"name": "phone"}),
        ("DELETE", f"/users/{company.bob}/applicationPasswords/abcdefgh", None),
    ]
    for method, path, body in calls:
        answer = await reader.call(method, path, body)
        assert (answer.status, answer.json["code"]) == (403, "Forbidden"), path
        assert (await narrow.call(method, path, body)).status == 404, path
    assert local_hash(world, company.bob) is None


@pytest.mark.parametrize(
    "body", [{}, {"password": ""}, {"password": "short"}, {"password": 12345678}, {"password": "x" * 2000}]
)
@pytest_twisted.ensureDeferred
async def test_a_password_that_is_none_is_an_invalid_parameter(world: World, company: Company, body: Any) -> None:
    answer = await update(world.client("portal", grants=["passwords"]), company.ann, body)
    assert (answer.status, answer.json["code"]) == (400, "InvalidParameter")


@pytest_twisted.ensureDeferred
async def test_a_password_that_a_source_keeps_is_set_there_and_its_refusal_is_reported(world: World, company: Company) -> None:
    vouched_for(world, company.ann)
    client = world.client("portal", grants=["passwords"])
    assert (await update(client, company.ann)).status == 200
    assert local_hash(world, company.ann) is None
    answer = await update(client, company.ann, {"password": "history"})
    assert (answer.status, answer.json["message"]) == (400, "Password is in history")


@pytest_twisted.ensureDeferred
async def test_law_14_an_application_makes_no_application_password_for_another_one(world: World, company: Company) -> None:
    client, mail = world.client("portal", grants=["passwords"]), world.client("mail")
    path = f"/users/{company.ann}/applicationPasswords"
    for other in (mail.application.id, "nobody"):
        assert (await client.call("POST", path, {"name": "phone", "applicationId": other})).status == 403
    assert (await client.get(path))["totalCount"] == 0


@pytest_twisted.ensureDeferred
async def test_an_application_password_is_made_shown_once_listed_and_revoked(world: World, company: Company) -> None:
    client = world.client("portal", grants=["passwords"])
    path = f"/users/{company.ann}/applicationPasswords"
    with capture_logs() as lines:
        made = (await client.call("POST", path, {"name": "phone"})).json
    [line] = [line for line in lines if line["event"] == "application password made"]
    assert (line["by"], line["user"], line["application"]) == ("application portal", company.ann, "portal")
    assert made["password"] not in repr(lines)
    shown = {key: made[key] for key in ("applicationId", "applicationName", "name")}
    assert shown == {"applicationId": client.application.id, "applicationName": "portal", "name": "phone"}
    valid = world.directory.database.read_blocking(
        lambda c: application_passwords.verify(c, company.ann, made["password"].encode())
    )
    assert valid is not None and valid.id == made["applicationPasswordId"]
    listed = await client.get(path)
    assert listed["data"] == [{key: value for key, value in made.items() if key != "password"}]
    again = await client.call("POST", path, {"name": "Phone", "applicationId": client.application.id})
    assert again.status == 409
    assert (await client.call("POST", path, {"name": "tablet"})).status == 200
    with capture_logs() as lines:
        assert (await client.call("DELETE", f"{path}/{made['applicationPasswordId']}")).status == 200
    assert "application password revoked" in [line["event"] for line in lines]
    assert (await client.call("DELETE", f"{path}/{made['applicationPasswordId']}")).status == 404
    assert (await client.get(path))["totalCount"] == 1
