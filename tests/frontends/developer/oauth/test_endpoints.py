"""Tokens: every way to show a secret, every refusal in RFC 6749's words and in ours, revocation, the soft lock."""

import base64
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import pytest_twisted
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.frontends.developer.oauth import client_lockout
from gateway.frontends.developer.oauth.client_lockout import Lockout
from gateway.store.clients import applications
from tests.frontends.developer.conftest import Client, World
from tests.frontends.http.serving import Response, fetch


@pytest.fixture
def client(world: World) -> Client:
    return world.client("portal")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(client: Client, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> "Deferred[Response]":
    return fetch(client.port, "POST", client.base + path, urlencode(form).encode(), {**FORM, **(headers or {})})


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def credentials(client: Client, **more: str) -> dict[str, str]:
    given = {"grant_type": "client_credentials", "client_id": client.application.id, "client_secret": client.secret}
    return {name: value for name, value in {**given, **more}.items() if value}


@pytest.mark.parametrize("way", ["query", "form", "basic"])
@pytest_twisted.ensureDeferred
async def test_a_client_may_give_its_secret_in_the_query_a_form_or_by_basic(client: Client, way: str) -> None:
    if way == "query":
        answer = await fetch(client.port, "POST", f"{client.base}/oauth2/token?{urlencode(credentials(client))}")
    elif way == "form":
        answer = await post(client, "/oauth2/token", credentials(client))
    else:
        shown = basic(client.application.id, client.secret)
        answer = await post(client, "/oauth2/token", {"grant_type": "client_credentials"}, shown)
    assert answer.status == 200
    assert sorted(answer.json) == ["access_token", "expires_at", "expires_in", "token_type"]
    assert answer.headers["cache-control"] == "no-store"
    client.token = answer.json["access_token"]
    assert (await client.get("/provisioningScope"))["organizationalUnitIds"]


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_id": "app_unknown"}, 401, "invalid_client"),
        ({"client_secret": "x" * 5000}, 401, "invalid_client"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_refusal_has_the_codes_of_rfc_6749_and_ours(
    client: Client, changed: dict[str, str], status: int, error: str
) -> None:
    answer = await post(client, "/oauth2/token", credentials(client, **changed))
    assert (answer.status, answer.json["error"]) == (status, error)
    assert answer.json["error_description"] == answer.json["message"]
    assert answer.json["code"] == "".join(map(str.capitalize, error.split("_")))
    assert answer.json["requestId"] == answer.headers["x-request-id"]


@pytest_twisted.ensureDeferred
async def test_a_wrong_secret_by_basic_is_asked_for_again_by_basic(client: Client) -> None:
    shown = basic(client.application.id, "wrong")
    answer = await post(client, "/oauth2/token", {"grant_type": "client_credentials"}, shown)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="directory-gateway"')


@pytest_twisted.ensureDeferred
async def test_a_parameter_in_query_and_body_is_refused(client: Client) -> None:
    answer = await post(client, "/oauth2/token?grant_type=client_credentials", credentials(client))
    assert (answer.status, answer.json["message"]) == (400, "grant_type: given in the query and in the body.")


@pytest_twisted.ensureDeferred
async def test_a_client_gets_no_token_at_another_applications_path(world: World, client: Client) -> None:
    other = world.client("other")
    answer = await fetch(client.port, "POST", f"{other.base}/oauth2/token", urlencode(credentials(client)).encode(), FORM)
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


@pytest_twisted.ensureDeferred
async def test_a_disabled_application_gets_no_token_and_its_tokens_end(world: World, client: Client) -> None:
    world.directory.database.write_blocking(lambda c: applications.set_enabled(c, client.application.id, False))
    assert (await post(client, "/oauth2/token", credentials(client))).status == 401
    assert (await client.call("GET", "/users")).status == 401


@pytest_twisted.ensureDeferred
async def test_revoking_is_200_for_any_token_and_ends_only_the_clients_own(world: World, client: Client) -> None:
    other = world.client("other")
    for token in ("never-given", other.token, client.token):
        answer = await post(client, "/oauth2/revoke", credentials(client, token=token))
        assert (answer.status, answer.json) == (200, {})
    assert (await client.call("GET", "/users")).status == 401
    assert (await other.call("GET", "/users")).status == 200
    assert (await post(client, "/oauth2/revoke", credentials(client))).json["error"] == "invalid_request"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer " + "x" * 6000, "Bearer nothing"])
@pytest_twisted.ensureDeferred
async def test_without_a_valid_token_there_is_nothing_to_see(client: Client, header: str) -> None:
    answer = await fetch(client.port, "GET", f"{client.base}/users", None, {"Authorization": header} if header else None)
    assert (answer.status, answer.json["code"]) == (401, "InvalidToken")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest_twisted.ensureDeferred
async def test_a_token_is_good_for_its_own_application_and_instance_only(world: World, client: Client) -> None:
    other = world.client("other")
    header = {"Authorization": f"Bearer {client.token}"}
    answer = await fetch(client.port, "GET", f"{other.base}/users", None, header)
    assert (answer.status, answer.json["code"]) == (403, "Forbidden")
    answer = await fetch(client.port, "GET", f"/v2/idaas_other/{client.application.id}/users", None, header)
    assert (answer.status, answer.json["code"]) == (404, "ResourceNotFound")
    answer = await fetch(client.port, "POST", f"/v2/idaas_other/{client.application.id}/oauth2/token")
    assert answer.status == 404


@pytest_twisted.ensureDeferred
async def test_too_many_wrong_secrets_lock_the_client_out_for_a_while(client: Client) -> None:
    for _ in range(client_lockout.MAX_FAILURES):
        assert (await post(client, "/oauth2/token", credentials(client, client_secret="wrong"))).status == 401
    answer = await post(client, "/oauth2/token", credentials(client))
    assert (answer.status, answer.json["error"]) == (429, "invalid_client")
    assert answer.headers["retry-after"] == str(client_lockout.WINDOW_SECONDS)


@pytest_twisted.ensureDeferred
async def test_law_12_no_secret_and_no_token_is_logged(client: Client) -> None:
    with capture_logs() as lines:
        answer = await fetch(client.port, "POST", f"{client.base}/oauth2/token?{urlencode(credentials(client))}")
        client.token = answer.json["access_token"]
        await client.get("/users")
        await post(client, "/oauth2/token", credentials(client, client_secret="a-wrong-secret"))
    written = str(lines)
    assert "oauth2/token" in written
    assert not any(secret in written for secret in (client.secret, client.token, "a-wrong-secret"))


class Ticking:
    """A clock for the lock."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_lock_ends_with_its_window_and_a_right_secret_forgets_failures() -> None:
    clock = Ticking()
    lock = Lockout(clock)
    for _ in range(client_lockout.MAX_FAILURES - 1):
        lock.failed("a", "192.0.2.1")
    lock.succeeded("a", "192.0.2.1")
    lock.failed("a", "192.0.2.1")
    assert not lock.seconds_to_wait("a", "192.0.2.1")
    for _ in range(client_lockout.MAX_FAILURES):
        lock.failed("a", "192.0.2.1")
    assert lock.seconds_to_wait("a", "192.0.2.1") == client_lockout.WINDOW_SECONDS
    clock.now = float(client_lockout.WINDOW_SECONDS)
    assert not lock.seconds_to_wait("a", "192.0.2.1")


def test_a_lock_hits_one_client_at_one_address() -> None:
    lock = Lockout(Ticking())
    for _ in range(client_lockout.MAX_FAILURES):
        lock.failed("a", "192.0.2.1")
    assert lock.seconds_to_wait("a", "192.0.2.1")
    assert not lock.seconds_to_wait("a", "192.0.2.2")
    assert not lock.seconds_to_wait("b", "192.0.2.1")


def test_an_address_that_tries_too_many_clients_is_slowed_down_and_not_locked() -> None:
    clock = Ticking()
    lock = Lockout(clock)
    lock.succeeded("at work", "192.0.2.1")
    for number in range(client_lockout.MAX_FAILURES_PER_ADDRESS + 50):
        lock.failed(f"c{number}", "192.0.2.1")
    assert [lock.seconds_to_wait(f"new {number}", "192.0.2.1") for number in range(3)] == [0, 1, 1]
    clock.now = float(client_lockout.BRAKE_SECONDS)
    assert [lock.seconds_to_wait(f"new {number}", "192.0.2.1") for number in range(3)] == [0, 1, 1]
    assert [lock.seconds_to_wait("at work", "192.0.2.1") for _ in range(3)] == [0, 0, 0]
    assert [lock.seconds_to_wait("new", "192.0.2.2") for _ in range(3)] == [0, 0, 0]


def test_clients_and_addresses_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_lockout, "MAX_REMEMBERED", 2)
    lock = Lockout(Ticking())
    for number in range(5):
        for _ in range(client_lockout.MAX_FAILURES_PER_ADDRESS):
            lock.failed("a", f"192.0.2.{number}")
        assert not lock.seconds_to_wait("b", f"192.0.2.{number}")
        lock.succeeded("c", f"192.0.2.{number}")
    assert (len(lock._right), len(lock._next_at)) == (2, 2)


@pytest_twisted.ensureDeferred
async def test_clients_that_are_made_up_do_not_lock_the_right_one_out_of_its_address(client: Client) -> None:
    for number in range(client_lockout.MAX_FAILURES_PER_ADDRESS + 1):
        made_up = credentials(client, client_id=f"made-up-{number}")
        assert (await post(client, "/oauth2/token", made_up)).status == 401
    assert (await post(client, "/oauth2/token", credentials(client))).status == 200


@pytest_twisted.ensureDeferred
async def test_who_asked_for_a_token_and_why_it_was_refused_is_in_the_audit(world: World, client: Client) -> None:
    other = world.client("other")
    world.directory.database.write_blocking(lambda c: applications.set_enabled(c, other.application.id, False))
    with capture_logs() as lines:
        token = (await post(client, "/oauth2/token", credentials(client))).json["access_token"]
        await post(client, "/oauth2/token", credentials(client, client_secret="wrong"))
        await post(client, "/oauth2/token", credentials(client, client_id="app_" + "x" * 100))
        await post(client, "/oauth2/token", {"grant_type": "client_credentials"})
        await post(other, "/oauth2/token", credentials(other))
        unknown = replace(client, application=replace(client.application, id="app_made_up"))
        await post(unknown, "/oauth2/token", credentials(unknown))
        await post(client, "/oauth2/revoke", {**credentials(client), "token": token})
    audit = [line for line in lines if line["event"].startswith("token")]
    assert {line["peer"] for line in audit} == {"127.0.0.1"}
    assert [(line["event"], line["result"], line.get("reason", line.get("application"))) for line in audit] == [
        ("token", "accepted", client.application.name),
        ("token", "refused", "wrong secret"),
        ("token", "refused", "the path names another application"),
        ("token", "refused", "no client id and secret were sent as they must be"),
        ("token", "refused", "disabled"),
        ("token", "refused", "unknown client"),
        ("token revoked", "accepted", client.application.name),
    ]
    assert len(audit[2]["client_id"]) == 64
    assert not any(secret in str(lines) for secret in (client.secret, token, "wrong'"))
