"""Pass-through binds at a real slapd: right and wrong passwords, and every way in which there is no answer."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import deferLater

from gateway.connectors.ldap.bind.authenticator import OUTCOMES, PassThroughAuthenticator
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.connector import BindAnswer, BindOutcome
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import Kind
from gateway.wire.result_codes import ResultCode
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_person, source, upstream
from tests.connectors.record_replica import RecordReplica
from tests.connectors.scripted_bind_server import ScriptedBindServer
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

reactor: Any = real_reactor


@contextmanager
def passing(slapd: Slapd, **changes: Any) -> Iterator[PassThroughAuthenticator]:
    with passing_to(**({"upstream": upstream(slapd), "decoy_base": f"ou=people,{slapd.suffix}"} | changes)) as part:
        yield part


@contextmanager
def passing_to(**settings: Any) -> Iterator[PassThroughAuthenticator]:
    part = PassThroughAuthenticator(PassThroughSettings(id="hr", **settings), reactor)
    try:
        yield part
    finally:
        part.close()


@pytest.fixture
def ada(slapd: Slapd) -> str:
    return add_person(slapd, "ada")


def ask(part: PassThroughAuthenticator, dn: str, password: bytes) -> Deferred[BindAnswer]:
    """A bind that goes its way, whether or not it is waited for."""
    return Deferred.fromCoroutine(part.authenticate(dn, password))


async def unavailable(answer: Deferred[BindAnswer]) -> str:
    with pytest.raises(SourceUnavailable) as caught:
        await answer
    return str(caught.value)


@pytest_twisted.ensureDeferred
async def test_the_right_password_is_accepted_and_a_wrong_one_refused(slapd: Slapd, ada: str) -> None:
    with passing(slapd) as part:
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED
        assert (await ask(part, ada, b"wrong")).outcome is BindOutcome.REFUSED
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED


@pytest_twisted.ensureDeferred
async def test_a_name_that_does_not_exist_or_is_none_is_refused(slapd: Slapd) -> None:
    with passing(slapd) as part:
        assert (await ask(part, f"uid=nobody,{slapd.suffix}", b"x")).outcome is BindOutcome.REFUSED
        assert (await ask(part, "nonsense", b"x")).outcome is BindOutcome.REFUSED
        assert (await ask(part, f"ou=people,{slapd.suffix}", b"x")).outcome is BindOutcome.REFUSED


@pytest.mark.parametrize(("dn", "password"), [("uid=ada", b""), ("", b"secret"), ("", b"")])
def test_a_bind_that_would_be_anonymous_is_never_sent(slapd: Slapd, dn: str, password: bytes) -> None:
    with passing(slapd) as part, pytest.raises(ValueError, match="proves nothing"):
        ask(part, dn, password)
    assert "BIND dn=" not in slapd.log_text()


@pytest_twisted.ensureDeferred
async def test_passwords_of_any_octets_reach_the_server_as_they_are(slapd: Slapd) -> None:
    password = "pässwörd ".encode() + bytes(range(1, 256))
    dn = add_person(slapd, "eve", userPassword=password)
    with passing(slapd) as part:
        assert (await ask(part, dn, password)).outcome is BindOutcome.ACCEPTED
        assert (await ask(part, dn, password[:-1])).outcome is BindOutcome.REFUSED


@pytest_twisted.ensureDeferred
async def test_connections_are_reused_and_never_more_than_allowed(slapd: Slapd, ada: str) -> None:
    with passing(slapd, connections=3) as part:
        for _ in range(3):
            outcomes = await DeferredList([ask(part, ada, b"ada-secret") for _ in range(20)], fireOnOneErrback=True)
            assert [answer.outcome for _, answer in outcomes] == [BindOutcome.ACCEPTED] * 20
    assert slapd.log_text().count(f'BIND dn="{ada}" method=128') == 60
    accepted = [line for line in slapd.log_text().splitlines() if "ACCEPT" in line]
    assert len({line.split("conn=")[1].split()[0] for line in accepted}) <= 3 + 2  # slapd's start and the test's own add


@pytest_twisted.ensureDeferred
async def test_each_of_many_binds_at_once_gets_its_own_answer(slapd: Slapd) -> None:
    people = {add_person(slapd, f"user{number}"): f"user{number}-secret".encode() for number in range(8)}
    with passing(slapd, connections=2) as part:
        right = [ask(part, dn, password) for dn, password in people.items()]
        wrong = [ask(part, dn, password + b"x") for dn, password in people.items()]
        assert [(await answer).outcome for answer in right] == [BindOutcome.ACCEPTED] * 8
        assert [(await answer).outcome for answer in wrong] == [BindOutcome.REFUSED] * 8


@pytest_twisted.ensureDeferred
async def test_a_decoy_costs_a_bind_and_has_no_result(slapd: Slapd) -> None:
    with passing(slapd) as part:
        await part.decoy(b"some password")
    assert f",ou=people,{slapd.suffix}" in slapd.log_text().split('BIND dn="cn=decoy-')[1].split('"')[0]


@pytest_twisted.ensureDeferred
async def test_an_upstream_that_is_down_is_unavailable_and_comes_back_by_itself(slapd: Slapd, ada: str) -> None:
    with passing(slapd) as part:
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED
        slapd.stop()
        assert "source hr: ldap://127.0.0.1" in await unavailable(ask(part, ada, b"ada-secret"))
        with pytest.raises(SourceUnavailable):
            await part.decoy(b"ada-secret")
        slapd.start()
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED


@pytest_twisted.ensureDeferred
async def test_an_upstream_that_hangs_is_unavailable_in_time_and_its_late_answers_count_for_nobody(
    slapd: Slapd, ada: str
) -> None:
    with passing(slapd, connections=1, bind_seconds=0.8) as part:
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED
        slapd.suspend()
        began = reactor.seconds()
        assert "not answered within 0.8 s" in await unavailable(ask(part, ada, b"ada-secret"))
        assert reactor.seconds() - began < 3
        slapd.resume()
        assert (await ask(part, ada, b"wrong")).outcome is BindOutcome.REFUSED


@pytest_twisted.ensureDeferred
async def test_an_upstream_known_to_be_down_fails_at_once(slapd: Slapd, ada: str) -> None:
    with passing(slapd, bind_seconds=0.2) as part:
        slapd.suspend()
        for _ in range(3):
            await unavailable(ask(part, ada, b"ada-secret"))
        began = reactor.seconds()
        assert "known to be down" in await unavailable(ask(part, ada, b"ada-secret"))
        assert reactor.seconds() - began < 0.1
        slapd.resume()


@pytest_twisted.ensureDeferred
async def test_a_restarted_upstream_is_used_again_on_new_connections(slapd: Slapd, ada: str) -> None:
    with passing(slapd) as part:
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED
        slapd.restart()
        await deferLater(reactor, 0.05)  # lets the reactor see that the idle connection has ended
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED


@pytest_twisted.ensureDeferred
async def test_more_binds_than_may_wait_are_turned_away_and_the_others_are_answered(slapd: Slapd, ada: str) -> None:
    with passing(slapd, connections=1, waiting=2) as part:
        answers = [ask(part, ada, b"ada-secret") for _ in range(5)]
        results: Any = await DeferredList(answers, consumeErrors=True)
        assert [ok for ok, _ in results] == [True, True, True, False, False]
        assert "2 binds are waiting already" in str(results[-1][1].value)


@pytest_twisted.ensureDeferred
async def test_a_bind_that_waits_too_long_for_a_connection_is_unavailable(slapd: Slapd, ada: str) -> None:
    with passing(slapd, connections=1, bind_seconds=0.2) as part:
        slapd.suspend()
        first, second = ask(part, ada, b"ada-secret"), ask(part, ada, b"ada-secret")
        results: Any = await DeferredList([first, second], consumeErrors=True)
        assert [type(result.value).__mro__[1] for _, result in results] == [SourceUnavailable] * 2
        slapd.resume()


@pytest_twisted.ensureDeferred
async def test_all_waits_of_a_bind_together_take_no_longer_than_it_may(slapd: Slapd, ada: str, pki: Pki) -> None:
    hanging = upstream(slapd, urls=(slapd.ldaps_url, slapd.ldaps_url), ca_file=pki.ca)
    with passing(slapd, upstream=hanging, connections=1, bind_seconds=0.8) as part:
        slapd.suspend()  # it accepts connections, and begins no TLS
        began = reactor.seconds()
        binds = [ask(part, ada, b"ada-secret") for _ in range(2)]  # the second waits for the connection of the first
        results: Any = await DeferredList(binds, consumeErrors=True)
        assert reactor.seconds() - began < 1.2
        assert [type(result.value).__mro__[1] for _, result in results] == [SourceUnavailable] * 2
        slapd.resume()


@pytest_twisted.ensureDeferred
async def test_the_upstream_that_answers_is_used(slapd: Slapd, start_slapd: StartSlapd) -> None:
    second = start_slapd()
    dn, _ = (add_person(server, "ada") for server in (slapd, second))
    both = upstream(slapd, urls=("ldap://127.0.0.1:1", slapd.url, second.url))
    with passing(slapd, upstream=both) as part:
        assert (await ask(part, dn, b"ada-secret")).outcome is BindOutcome.ACCEPTED
        slapd.kill()
        await deferLater(reactor, 0.05)  # lets the reactor see that the idle connection has ended
        assert (await ask(part, dn, b"ada-secret")).outcome is BindOutcome.ACCEPTED
    assert f'BIND dn="{dn}"' in second.log_text()


@pytest.mark.parametrize("way", ["ldaps", "start_tls"])
@pytest_twisted.ensureDeferred
async def test_tls_with_the_right_authority_binds(slapd: Slapd, ada: str, pki: Pki, way: str) -> None:
    with passing(slapd, upstream=secure(slapd, pki, way)) as part:
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED
        assert (await ask(part, ada, b"wrong")).outcome is BindOutcome.REFUSED


@pytest.mark.parametrize("way", ["ldaps", "start_tls"])
@pytest_twisted.ensureDeferred
async def test_tls_with_the_wrong_authority_sends_no_password(slapd: Slapd, ada: str, pki: Pki, way: str) -> None:
    with passing(slapd, upstream=secure(slapd, pki, way, ca_file=pki.wrong_ca)) as part:
        assert "certificate verify failed" in await unavailable(ask(part, ada, b"ada-secret"))
    assert f'BIND dn="{ada}"' not in slapd.log_text()


@pytest_twisted.ensureDeferred
async def test_a_ca_file_that_is_replaced_is_trusted_from_then_on(slapd: Slapd, ada: str, pki: Pki, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    shutil.copyfile(pki.wrong_ca, ca_file)
    with passing(slapd, upstream=secure(slapd, pki, "ldaps", ca_file=ca_file)) as part:
        assert "certificate verify failed" in await unavailable(ask(part, ada, b"ada-secret"))
        shutil.copyfile(pki.ca, tmp_path / "new.pem")
        (tmp_path / "new.pem").replace(ca_file)
        assert await outcome_at_last(part, ada) is BindOutcome.ACCEPTED
        shutil.copyfile(pki.wrong_ca, ca_file)  # in place
        slapd.stop()
        slapd.start()
        await deferLater(reactor, 0.05)  # lets the reactor see that the idle connection has ended
        assert "certificate verify failed" in await unavailable(ask(part, ada, b"ada-secret"))


@pytest_twisted.ensureDeferred
async def test_the_sources_own_password_is_that_of_now_for_reading_and_for_resets(slapd: Slapd, ada: str) -> None:
    renewed = upstream(slapd, password="of last year", renewed_password=lambda: slapd.reader.password)
    assert RecordReplica().read(source(slapd, upstream=renewed)).names(Kind.USER) == {"ada"}
    with passing(slapd, upstream=renewed) as part:
        assert (await part.reset(ada, b"new-secret")).code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS  # bound, and no more


async def outcome_at_last(part: PassThroughAuthenticator, dn: str) -> BindOutcome:
    """Bind until the upstream no longer counts as down, and return the outcome."""
    while True:
        try:
            return (await ask(part, dn, b"ada-secret")).outcome
        except SourceUnavailable as error:
            assert "known to be down" in str(error)
            await deferLater(reactor, 0.05)


@pytest_twisted.ensureDeferred
async def test_a_ca_file_that_cannot_be_read_is_unavailable_and_named(slapd: Slapd, ada: str, tmp_path: Any) -> None:
    with passing(slapd, upstream=upstream(slapd, start_tls=True, ca_file=tmp_path / "no.pem")) as part:
        assert "no.pem cannot be used" in await unavailable(ask(part, ada, b"ada-secret"))


@pytest_twisted.ensureDeferred
async def test_a_server_that_accepts_and_never_shakes_hands_is_given_up(slapd: Slapd, ada: str, pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ldaps://127.0.0.1:{silent.getsockname()[1]}"
        with passing(slapd, upstream=upstream(slapd, urls=(url,), ca_file=pki.ca), bind_seconds=0.2) as part:
            assert "no answer in the TLS handshake" in await unavailable(ask(part, ada, b"ada-secret"))


@pytest_twisted.ensureDeferred
async def test_a_cancelled_bind_is_no_failure_of_the_upstream(slapd: Slapd, ada: str) -> None:
    with passing(slapd) as part:
        for _ in range(5):
            answer = ask(part, ada, b"ada-secret")
            answer.cancel()
            with pytest.raises(CancelledError):
                await answer
        assert (await ask(part, ada, b"ada-secret")).outcome is BindOutcome.ACCEPTED


@pytest.mark.parametrize("code", [*ResultCode, 4095])
@pytest_twisted.ensureDeferred
async def test_an_answer_that_is_neither_yes_nor_no_is_unavailable(code: int) -> None:
    with ScriptedBindServer(code) as server, passing_to(upstream=Upstream(urls=(server.url,))) as part:
        if code in OUTCOMES:
            assert (await ask(part, "uid=ada", b"ada-secret")).outcome is OUTCOMES[code]
        else:
            assert f"a bind was answered by {code}" in await unavailable(ask(part, "uid=ada", b"ada-secret"))


def test_only_success_is_a_yes() -> None:
    assert [code for code, outcome in OUTCOMES.items() if outcome is BindOutcome.ACCEPTED] == [ResultCode.SUCCESS]


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400\r\n", b"\x30\x80", b"\x30\x05\x02\x01\x63\x61\x00", b"\x30\x84\x7f\xff\xff\xff"]
)
@pytest_twisted.ensureDeferred
async def test_garbage_instead_of_an_answer_is_unavailable(slapd: Slapd, garbage: bytes) -> None:
    with ScriptedBindServer(0, garbage) as server, passing(slapd, upstream=upstream(slapd, urls=(server.url,))) as part:
        await unavailable(ask(part, "uid=ada", b"ada-secret"))


@pytest_twisted.ensureDeferred
async def test_no_password_is_in_errors_or_in_any_repr(slapd: Slapd, ada: str, caplog: pytest.LogCaptureFixture) -> None:
    with passing(slapd, bind_seconds=0.2) as part:
        slapd.suspend()
        with pytest.raises(SourceUnavailable) as caught:
            await ask(part, ada, b"ada-secret")
        slapd.resume()
        assert "ada-secret" not in f"{caught.value!r} {caught.value} {vars(part)!r} {vars(part._pool)!r} {caplog.text}"
        assert slapd.reader.password not in repr(part._settings)


def secure(slapd: Slapd, pki: Pki, way: str, **changes: Any) -> Any:
    if way == "ldaps":
        return upstream(slapd, **({"urls": (slapd.ldaps_url,), "ca_file": pki.ca} | changes))
    return upstream(slapd, **({"start_tls": True, "ca_file": pki.ca} | changes))
