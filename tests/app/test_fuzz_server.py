"""A few seconds of scripts/fuzz_server: clients that are damaged, cut off, too large, too slow or rude, and one that is none.

What the judge calls a surprise is tested too: a fuzzer that finds nothing because it sees nothing would be worse than none.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from gateway.wire import messages as m
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_message
from gateway.wire.filters import parse
from scripts.fuzzing import campaign, conversation, plans, target
from scripts.fuzzing.campaign import leaks
from scripts.fuzzing.judge import Judge, SurpriseError
from scripts.fuzzing.target import Figures
from scripts.fuzzing.world import Access
from tests.servers.processes import free_port

CPU_SECONDS = 3.0
SEED = 20_260_101
ACCESS = Access(("127.0.0.1", 389), ("127.0.0.1", 636), "cn=a,dc=test", "secret")
SEARCH = m.SearchRequest("dc=test", 2, 0, 0, 0, False, parse("(uid=a)"))
ENTRY, DONE = m.SearchResultEntry("uid=a"), m.SearchResultDone(m.Result(0))
NOTICE = m.ExtendedResponse(m.Result(2), oids.NOTICE_OF_DISCONNECTION)


def test_a_gateway_among_broken_clients_serves_the_others_and_keeps_nothing(tmp_path: Path) -> None:
    with target.serving(tmp_path) as gateway:
        report = campaign.run(gateway, CPU_SECONDS, SEED)
    assert report.findings == []
    assert report.canary_questions > 20
    assert report.answers > 1000


def judged(sent: list[tuple[int, m.Operation]], received: list[tuple[int, m.Operation]]) -> Judge:
    judge = Judge()
    judge.sent(b"".join(encode_message(m.LDAPMessage(*one)) for one in sent))
    judge.received(b"".join(encode_message(m.LDAPMessage(*one)) for one in received))
    return judge


def test_what_was_asked_may_be_answered_once() -> None:
    assert judged([(2, SEARCH), (3, SEARCH)], [(2, ENTRY), (2, DONE), (0, NOTICE)]).waiting == {3}


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ([], [(2, DONE)]),
        ([(2, SEARCH)], [(3, DONE)]),
        ([(2, SEARCH)], [(2, DONE), (2, DONE)]),
        ([(2, SEARCH)], [(2, DONE), (2, ENTRY)]),
        ([(2, SEARCH)], [(2, m.CompareResponse(m.Result(6)))]),
        ([(2, m.UnbindRequest()), (3, SEARCH)], [(3, DONE)]),
        ([(2, SEARCH)], [(0, NOTICE), (2, DONE)]),
        ([(2, SEARCH)], [(0, DONE)]),
    ],
)
def test_an_answer_to_nothing_is_a_surprise(
    sent: list[tuple[int, m.Operation]], received: list[tuple[int, m.Operation]]
) -> None:
    with pytest.raises(SurpriseError):
        judged(sent, received)


def test_what_was_sent_before_tls_is_not_answered_under_it() -> None:
    judge = judged(
        [(1, m.ExtendedRequest(oids.START_TLS)), (2, SEARCH)], [(1, m.ExtendedResponse(m.Result(0), oids.START_TLS))]
    )
    judge.received(b"\x16\x03\x03 the handshake is none of the judge's")
    judge.secured()
    with pytest.raises(SurpriseError):
        judge.received(encode_message(m.LDAPMessage(2, DONE)))


def test_octets_that_are_no_answer_and_half_an_answer_are_surprises() -> None:
    with pytest.raises(SurpriseError):
        judged([(2, SEARCH)], []).received(b"\x30\x03\x02\x01\x02")
    half = judged([(2, SEARCH)], [])
    half.received(encode_message(m.LDAPMessage(2, DONE))[:5])
    with pytest.raises(SurpriseError):
        half.closed()


def test_a_server_that_leaves_a_request_unanswered_is_a_surprise() -> None:
    where = ("127.0.0.1", free_port())

    async def closing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(closing, *where)
        async with server:
            plan = plans.Plan("busy", (encode_message(m.LDAPMessage(2, SEARCH)),), complete=True)
            await conversation.hold(plan, Access(where, where, "", ""))

    with pytest.raises(SurpriseError, match="unanswered"):
        asyncio.run(ask())


def test_the_same_seed_makes_the_same_client_and_all_kinds_come() -> None:
    made = [plans.make(Random(f"1/{number}"), ACCESS) for number in range(300)]
    assert made == [plans.make(Random(f"1/{number}"), ACCESS) for number in range(300)]
    assert len(Counter(plan.name for plan in made)) == len(plans.KINDS)


def test_what_is_left_behind_is_found() -> None:
    before, warm = Figures(100, 5, 40, cpu_seconds=0), Figures(150, 9, 90, cpu_seconds=100)
    assert leaks(before, warm, Figures(155, 9, 95, cpu_seconds=200)) == []
    found = leaks(before, warm, Figures(190, 40, 400, cpu_seconds=200))
    assert [line.split()[0] for line in found] == ["memory", "40", "400"]
    assert leaks(before, replace(warm, cpu_seconds=5), Figures(190, 9, 95, cpu_seconds=10)) == []
