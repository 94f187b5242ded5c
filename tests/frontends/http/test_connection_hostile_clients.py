"""Requests that are wrong, too long or too slow, and their answers."""

import contextlib
import json
import socket
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import Clock

from gateway.frontends.http import limits
from gateway.frontends.http.request import MAX_PARAMETERS
from tests.frontends.http.conftest import Serve
from tests.frontends.http.serving import exchange, fetch, until


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "body: must be a JSON object."),
        (b"{}", "displayName"),
        (b'{"displayName": 3}', "displayName: must be text."),
        (b'{"displayName": "x", "age": "old"}', "age: must be a whole number."),
        (b'{"other": ' + b"[" * 20_000 + b"]" * 20_000 + b', "displayName": "x"}', "nested"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_body_that_does_not_fit_is_400_and_names_the_field(serve: Serve, body: bytes, says: str) -> None:
    answer = await fetch(serve().port, "POST", "/echo/x", body)
    assert (answer.status, answer.json["code"]) == (400, "InvalidParameter")
    assert says in answer.json["message"]


@pytest_twisted.ensureDeferred
async def test_a_parameter_given_twice_is_refused_by_name(serve: Serve) -> None:
    answer = await fetch(serve().port, "POST", "/echo/x?city=a&city=b", {"displayName": "x"})
    assert (answer.status, answer.json["message"]) == (400, "city: given twice in the query.")


@pytest_twisted.ensureDeferred
async def test_a_body_announced_too_long_is_refused_before_it_is_sent(serve: Serve) -> None:
    head = b"POST /echo/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n"
    received = await exchange(serve().port, head)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == "BodyTooLarge"


@pytest_twisted.ensureDeferred
async def test_a_chunked_body_too_long_is_refused_and_the_client_can_read_why(serve: Serve) -> None:
    answer = await fetch(serve().port, "POST", "/echo/x", iter([b"x" * 50_000] * 4))
    assert (answer.status, answer.json["code"]) == (413, "BodyTooLarge")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET /hello HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100)) + b"\r\n",
        b"GET /hello?" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /echo/x HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /echo/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
    ids=["tls", "no-path", "no-colon", "many-headers", "long-line", "smuggling", "bad-chunk"],
)
@pytest_twisted.ensureDeferred
async def test_a_request_that_is_not_http_is_answered_400_in_our_shape_and_the_face_lives_on(serve: Serve, data: bytes) -> None:
    serving = serve()
    received = await exchange(serving.port, data)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == "MalformedRequest"
    assert (await fetch(serving.port, "GET", "/hello")).status == 200


@pytest_twisted.ensureDeferred
async def test_a_hostile_host_header_does_not_reach_the_router(serve: Serve) -> None:
    received = await exchange(serve().port, b"GET /hello HTTP/1.1\r\nHost: \xff..\x01\r\nConnection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")


@pytest_twisted.ensureDeferred
async def test_a_client_that_sends_byte_by_byte_is_ended_after_the_arrival_time(serve: Serve) -> None:
    clock = Clock()
    serving = serve(clock=clock)
    answer = exchange(serving.port, b"POST /echo/x HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    calls: Any = clock.getDelayedCalls
    await until(lambda: any(call.getTime() == limits.ARRIVAL_SECONDS for call in calls()))
    clock.advance(limits.ARRIVAL_SECONDS)
    assert (await answer).startswith(b"HTTP/1.1 408 ")


@pytest_twisted.ensureDeferred
async def test_an_idle_connection_is_closed(serve: Serve) -> None:
    clock = Clock()
    serving = serve(clock=clock)
    answer = exchange(serving.port, b"")
    await until(lambda: serving.site.open_connections == 1)
    clock.advance(limits.IDLE_SECONDS)
    assert await answer == b""


@pytest_twisted.ensureDeferred
async def test_parameters_beyond_the_limit_are_refused(serve: Serve) -> None:
    port = serve().port
    for count, says in ((MAX_PARAMETERS, "more than"), (MAX_PARAMETERS + 1, "more than 64 parameters")):
        query = "&".join(f"p{number}=" for number in range(count))
        answer = await fetch(port, "POST", f"/echo/x?{query}", {"displayName": "x"})
        assert (says in str(answer.json.get("message"))) is (count > MAX_PARAMETERS)


@pytest_twisted.ensureDeferred
async def test_a_refused_client_that_stays_is_ended_after_the_linger_time(serve: Serve) -> None:
    clock = Clock()
    serving = serve(clock=clock)
    calls: Any = clock.getDelayedCalls
    with socket.create_connection(("127.0.0.1", serving.port), timeout=20) as staying:
        staying.sendall(b"POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        await until(lambda: any(call.getTime() == limits.LINGER_SECONDS for call in calls()))
        assert serving.site.open_connections == 1
        clock.advance(limits.LINGER_SECONDS)
        await until(lambda: serving.site.open_connections == 0)


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_address"])
@pytest_twisted.ensureDeferred
async def test_connections_beyond_the_limit_are_closed_at_once(serve: Serve, limit: str) -> None:
    serving = serve(**{limit: 1})
    first = exchange(serving.port, b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: serving.site.open_connections == 1)
    assert await exchange(serving.port, b"") == b""
    serving.site.close_connections()
    with contextlib.suppress(ConnectionResetError):
        await first
    await until(lambda: serving.site.open_connections == 0)
    assert (await fetch(serving.port, "GET", "/hello")).status == 200


@pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: y\r\n"])
@pytest_twisted.ensureDeferred
async def test_http_1_1_needs_one_host_header_and_http_1_0_none(serve: Serve, hosts: bytes) -> None:
    port = serve().port
    answer = await exchange(port, b"GET /hello HTTP/1.1\r\nConnection: close\r\n" + hosts + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"] == "An HTTP/1.1 request has one Host header."
    assert (await exchange(port, b"GET /hello HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200 ")
