"""The client's address behind proxies: who is believed, and what."""

import socket

import pytest
import pytest_twisted
from structlog.testing import capture_logs

from gateway.directory.authentication.line_sums import MAX_LINES
from gateway.frontends.http.forwarded import MAX_HOPS, ForwardedHeaders
from gateway.frontends.http.request import Answer, Request, json_answer
from gateway.frontends.http.router import Route
from gateway.model.errors import InvalidInput
from gateway.model.trusted_networks import NOBODY, TrustedNetworks
from tests.frontends.http.conftest import Serve
from tests.frontends.http.serving import fetch, until

PROXY, CLIENT, FORGED = "10.0.0.1", "192.0.2.7", "203.0.113.66"
TRUSTED = TrustedNetworks.parse(["10.0.0.0/8", "fd00::/8"])

FORWARDED = {
    f"for={CLIENT}": CLIENT,
    f"For={CLIENT};proto=https;by=10.0.0.1;host=ldap.example": CLIENT,
    f'for="{CLIENT}:4711"': CLIENT,
    'for="[2001:db8::7]:4711"': "2001:db8::7",
    'for="[2001:db8::7]"': "2001:db8::7",
    'for="[::ffff:192.0.2.7]"': CLIENT,
    f"for={FORGED}, for={CLIENT}": CLIENT,
    f"for={FORGED},for={CLIENT} , for=10.2.3.4": CLIENT,
    f'for={FORGED}, for={CLIENT}, for="[fd00::1]"': CLIENT,
    "for=10.9.9.9, for=10.2.3.4": "10.9.9.9",
    f"for={FORGED}, for=unknown": PROXY,
    f"for={FORGED}, for=_hidden": PROXY,
    f'for={FORGED}, for="_hidden:_port"': PROXY,
    f"for={FORGED}, for=unknown, for=10.2.3.4": "10.2.3.4",
    f"for={FORGED}, proto=https": PROXY,
    f'for={CLIENT};secret="a\\"b,c;for=1"': CLIENT,
}

X_FORWARDED_FOR = {
    CLIENT: CLIENT,
    f"{FORGED}, {CLIENT}": CLIENT,
    f"{FORGED},{CLIENT} ,10.2.3.4": CLIENT,
    f"{CLIENT}:4711": CLIENT,
    "2001:db8::7": "2001:db8::7",
    "[2001:db8::7]:4711": "2001:db8::7",
    f"{FORGED}, unknown": PROXY,
}

MALFORMED = [
    "for=",
    "for",
    "for=192.0.2.700",
    "for=192.0.2.7:4711",  # a colon needs quotes
    "for=2001:db8::7",
    'for="2001:db8::7"',  # and IPv6 brackets
    'for="[2001:db8::7"',
    'for="192.0.2.7',
    "for=192.0.2.7;",
    "for=192.0.2.7,",
    ",for=192.0.2.7",
    "for=192.0.2.7;for=192.0.2.8",
    "for=localhost",
    "for = 192.0.2.7",
    'for="192.0.2.7\x00"',
    ", ".join(["for=10.0.0.1"] * (MAX_HOPS + 1)),
]


@pytest.mark.parametrize("value", FORWARDED)
def test_the_last_address_that_is_no_trusted_proxys_is_the_clients(value: str) -> None:
    assert ForwardedHeaders([value]).client(PROXY, TRUSTED) == FORWARDED[value]
    for stranger in (CLIENT, "fe80::1%eth0", "", "local"):
        assert ForwardedHeaders([value]).client(stranger, TRUSTED) == stranger, "a stranger is not believed"
    assert ForwardedHeaders([value]).client(PROXY, NOBODY) == PROXY


@pytest.mark.parametrize("value", X_FORWARDED_FOR)
def test_x_forwarded_for_is_read_alike(value: str) -> None:
    assert ForwardedHeaders((), [value]).client(PROXY, TRUSTED) == X_FORWARDED_FOR[value]
    assert ForwardedHeaders((), [value]).client(CLIENT, TRUSTED) == CLIENT


def test_several_headers_are_one_list() -> None:
    assert ForwardedHeaders([f"for={FORGED}", f"for={CLIENT}"]).client(PROXY, TRUSTED) == CLIENT
    assert ForwardedHeaders((), [FORGED, CLIENT]).client(PROXY, TRUSTED) == CLIENT
    assert ForwardedHeaders().client(PROXY, TRUSTED) == PROXY


@pytest.mark.parametrize("value", MALFORMED)
def test_what_cannot_be_read_is_refused_of_a_proxy_and_not_looked_at_of_strangers(value: str) -> None:
    with pytest.raises(InvalidInput):
        ForwardedHeaders([value]).client(PROXY, TRUSTED)
    assert ForwardedHeaders([value]).client(CLIENT, TRUSTED) == CLIENT


@pytest.mark.parametrize("value", ["", "localhost", "192.0.2.700", "192.0.2.7,", "[192.0.2.7]x", ",".join(["10.0.0.1"] * 33)])
def test_neither_is_x_forwarded_for(value: str) -> None:
    with pytest.raises(InvalidInput):
        ForwardedHeaders((), [value]).client(PROXY, TRUSTED)


def test_a_client_cannot_add_the_header_that_its_proxy_does_not_send() -> None:
    with pytest.raises(InvalidInput, match="one of them"):
        ForwardedHeaders([f"for={FORGED}"], [CLIENT]).client(PROXY, TRUSTED)


async def _peer(request: Request) -> Answer:
    return json_answer({"peer": request.peer})


ROUTES = [Route("GET", "/peer", "Peer", _peer)]


@pytest.mark.parametrize(("trusted", "peer"), [("127.0.0.1", CLIENT), ("127.0.0.2", "127.0.0.1")])
@pytest_twisted.ensureDeferred
async def test_a_handler_is_told_the_clients_address(serve: Serve, trusted: str, peer: str) -> None:
    serving = serve(ROUTES, trusted_proxies=TrustedNetworks.parse([trusted]))
    for name, value in (("Forwarded", f"for={FORGED}, for={CLIENT}"), ("X-Forwarded-For", f"{FORGED}, {CLIENT}")):
        answer = await fetch(serving.port, "GET", "/peer", None, {name: value})
        assert answer.json == {"peer": peer}


@pytest_twisted.ensureDeferred
async def test_a_proxys_broken_header_is_a_bad_request(serve: Serve) -> None:
    serving = serve(ROUTES, trusted_proxies=TrustedNetworks.parse(["127.0.0.1"]))
    answer = await fetch(serving.port, "GET", "/peer", None, {"Forwarded": "for"})
    assert (answer.status, answer.json["code"]) == (400, "InvalidParameter")


@pytest_twisted.ensureDeferred
async def test_a_trusted_proxy_has_no_limit_of_its_own(serve: Serve) -> None:
    trusted = TrustedNetworks.parse(["127.0.0.1"])
    serving = serve(ROUTES, trusted_proxies=trusted, max_connections_per_address=1)
    with socket.create_connection(("127.0.0.1", serving.port)):
        await until(lambda: serving.site.open_connections == 1)
        assert (await fetch(serving.port, "GET", "/peer")).status == 200


@pytest_twisted.ensureDeferred
async def test_lines_of_requests_without_a_route_name_the_client(serve: Serve) -> None:
    serving = serve(ROUTES, trusted_proxies=TrustedNetworks.parse(["127.0.0.1"]))
    with capture_logs() as lines:
        assert (await fetch(serving.port, "GET", "/nothing", None, {"Forwarded": f"for={CLIENT}"})).status == 404
    assert [line["peer"] for line in lines if line["event"] == "http"] == [CLIENT]


@pytest_twisted.ensureDeferred
async def test_of_an_addresss_refused_requests_the_first_have_lines(serve: Serve) -> None:
    serving = serve()
    with capture_logs() as lines:
        for number in range(MAX_LINES + 5):
            await fetch(serving.port, "GET", f"/nothing{number}")
        for _ in range(5):
            await fetch(serving.port, "GET", "/missing")
        serving.site.close_connections()
    statuses = [line.get("status", line["event"]) for line in lines]
    assert statuses == [404] * (MAX_LINES + 5) + ["5 more HTTP refusals from 127.0.0.1 in 10 s"], (
        "a route's 404 is always written"
    )
