"""Answers, errors and log lines of the web kit, seen from real connections."""

import http.client

import pytest
import pytest_twisted
from structlog.testing import capture_logs
from twisted.internet.threads import deferToThread

from tests.frontends.http.conftest import Serve
from tests.frontends.http.serving import fetch


@pytest_twisted.ensureDeferred
async def test_an_answer_is_json_with_its_length_and_a_request_id(serve: Serve) -> None:
    answer = await fetch(serve().port, "GET", "/hello")
    assert (answer.status, answer.json) == (200, {"hello": "world"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert len(answer.headers["x-request-id"]) == 36


@pytest_twisted.ensureDeferred
async def test_head_answers_as_get_without_the_body(serve: Serve) -> None:
    answer = await fetch(serve().port, "HEAD", "/hello")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "17")


@pytest_twisted.ensureDeferred
async def test_one_connection_serves_many_requests(serve: Serve) -> None:
    serving = serve()

    def talk() -> list[int]:
        connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=20)
        statuses = []
        for path in ("/hello", "/missing", "/nowhere", "/broken", "/hello"):
            connection.request("GET", path)
            statuses.append(connection.getresponse())
            statuses[-1].read()
        connection.close()
        return [answer.status for answer in statuses]

    assert await deferToThread(talk) == [200, 404, 404, 500, 200]


@pytest_twisted.ensureDeferred
async def test_path_query_and_body_reach_the_handler(serve: Serve) -> None:
    answer = await fetch(serve().port, "POST", "/echo/M%C3%BCller?city=K%C3%B6ln", {"displayName": "王"})
    assert answer.json == {"displayName": "王", "name": "Müller", "city": "Köln"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NotFound"),
        ("GET", "/hello/", 404, "NotFound"),
        ("DELETE", "/hello", 405, "MethodNotAllowed"),
        ("GET", "/missing", 404, "ResourceNotFound"),
        ("GET", "/%FF%FE", 400, "InvalidParameter"),
        ("GET", "/store", 503, "ServiceUnavailable"),
        ("GET", "/broken", 500, "InternalError"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_every_error_has_one_shape(serve: Serve, method: str, path: str, status: int, code: str) -> None:
    answer = await fetch(serve().port, method, path)
    assert answer.status == status
    assert answer.json["code"] == code
    assert sorted(answer.json) == ["code", "message", "requestId"]
    assert answer.json["requestId"] == answer.headers["x-request-id"]


@pytest_twisted.ensureDeferred
async def test_a_wrong_method_is_answered_with_the_right_ones(serve: Serve) -> None:
    assert (await fetch(serve().port, "DELETE", "/hello")).headers["allow"] == "GET, HEAD"


@pytest_twisted.ensureDeferred
async def test_an_unknown_error_is_in_the_log_and_not_in_the_answer(serve: Serve) -> None:
    with capture_logs() as lines:
        answer = await fetch(serve().port, "GET", "/broken")
    assert b"hunter2" not in answer.body
    failures = [line for line in lines if line["event"] == "http_request_failed"]
    assert "hunter2" in str(failures[0]["exc_info"])
    assert failures[0]["request_id"] == answer.json["requestId"]


@pytest_twisted.ensureDeferred
async def test_a_store_that_is_down_is_503_without_a_word_about_where_it_is(serve: Serve) -> None:
    with capture_logs() as lines:
        answer = await fetch(serve().port, "GET", "/store")
    assert b"secret-place" not in answer.body
    assert answer.headers["retry-after"] == "5"
    assert any("secret-place" in str(line.get("exc_info")) for line in lines)


@pytest_twisted.ensureDeferred
async def test_a_request_leaves_one_line_without_its_query_and_its_token(serve: Serve) -> None:
    with capture_logs() as lines:
        await fetch(serve().port, "GET", "/hello?client_secret=hunter2", headers={"Authorization": "Bearer hunter3"})
    assert len(lines) == 1
    assert (lines[0]["event"], lines[0]["path"], lines[0]["status"]) == ("http", "/hello", 200)
    assert "hunter" not in str(lines)


@pytest_twisted.ensureDeferred
async def test_metrics_observe_operation_and_status(serve: Serve) -> None:
    seen: list[tuple[str, str, int]] = []
    serving = serve(observe=lambda face, operation, status, seconds: seen.append((face, operation, status)))
    await fetch(serving.port, "GET", "/missing")
    await fetch(serving.port, "GET", "/nowhere")
    assert seen == [("test", "Missing", 404), ("test", "", 404)]
