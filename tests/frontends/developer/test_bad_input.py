"""Requests that no client should send: each is answered by a sentence that names the part that is wrong."""

from typing import Any

import pytest
import pytest_twisted

from tests.frontends.developer.conftest import Company, World

BY_NAME = "/users/_/actions/getUserIdByUsername"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (BY_NAME, b"", "empty"),
        (BY_NAME, b"username=ann", "not JSON"),
        (BY_NAME, b"[]", "body: must be a JSON object."),
        (BY_NAME, {}, "username: is missing."),
        (BY_NAME, {"username": None}, "username: must be text of 1 to 512 characters."),
        (BY_NAME, {"username": ["ann"]}, "username: must be text of 1 to 512 characters."),
        (BY_NAME, {"username": ""}, "username: must be text of 1 to 512 characters."),
        (BY_NAME, {"username": "x" * 513}, "username: must be text of 1 to 512 characters."),
        (BY_NAME, {"username": "a\x00n"}, "NUL"),
        (BY_NAME, b'{"username": "\\ud800"}', "not JSON"),
        ("/users/_/actions/getUserIdByExternalId", {"userExternalId": "x"}, "userSourceId"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_body_that_does_not_fit_is_refused_by_name(world: World, path: str, body: Any, says: str) -> None:
    answer = await world.client("a").call("POST", path, body)
    assert (answer.status, answer.json["code"]) == (400, "InvalidParameter")
    assert says in answer.json["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/users/a%00b", 400),
        ("/groups?groupNameStartWith=%00", 400),
        ("/users/%F0%9F%98%80", 404),
        ("/users/" + "x" * 8000, 404),
        ("/users/..%2F..%2Fetc", 404),
        ("/users/' OR 1=1 --".replace(" ", "%20"), 404),
        ("/groups?groupNameStartWith=%25", 200),
    ],
)
@pytest_twisted.ensureDeferred
async def test_strange_ids_find_nothing_and_break_nothing(world: World, company: Company, path: str, status: int) -> None:
    answer = await world.client("a").call("GET", path)
    assert answer.status == status
    assert "code" in answer.json or answer.json["data"] == []


@pytest_twisted.ensureDeferred
async def test_a_store_that_is_gone_is_503_and_not_an_empty_list(world: World) -> None:
    client = world.client("a")
    world.directory.database.close()
    for path in ("/users", "/changes", "/export", "/users/u-000001"):
        answer = await client.call("GET", path)
        assert (answer.status, answer.json["code"]) == (503, "ServiceUnavailable")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/users?organisationalUnitId=x", "organisationalUnitId: no such parameter here; did you mean organizationalUnitId?"),
        ("/users?PageSize=1", "PageSize: no such parameter here; did you mean pageSize?"),
        ("/groups?groupName=x", "groupName: no such parameter here"),
        ("/organizationalUnits?parent=x", "parent: no such parameter here"),
        ("/changes?wait=1", "wait: no such parameter here"),
        ("/export?kind=user", "kind: no such parameter here."),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_misspelt_parameter_is_refused_and_not_answered_with_everything(world: World, path: str, says: str) -> None:
    answer = await world.client("portal").call("GET", path)
    assert (answer.status, says in answer.body.decode()) == (400, True), answer.body
