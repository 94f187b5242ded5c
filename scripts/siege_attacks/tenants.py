"""What an application that is let in can send to take more than its share. Each attack goes on until it is cancelled."""

from __future__ import annotations

import asyncio

from gateway.wire import oids
from gateway.wire.controls.persistent_search import ALL_CHANGES, PersistentSearch
from gateway.wire.controls.search import SortKey, SortRequest
from gateway.wire.messages import Control
from scripts.siege_attacks.ldap_client import answer, bind, connection, last_answer, search
from scripts.siege_attacks.strangers import Attack, again
from scripts.siege_attacks.victim import Victim


def bound(messages: list[bytes], connections: int, *, wait: bool = True) -> Attack:
    """So many connections that bind and then send these messages over and over, each when the one before was answered; without
    `wait` they are sent once and nothing is read."""

    async def attack(victim: Victim) -> None:
        async def one(_: int) -> None:
            async with connection(victim.ldap) as (reader, writer):
                writer.write(bind(1, victim.greedy.dn, victim.greedy.secret))
                await answer(reader)
                while True:
                    for message in messages:
                        writer.write(message)
                        await writer.drain()
                        if wait and not await last_answer(reader):
                            return
                    if not wait:
                        await asyncio.sleep(3_600)

        await again(connections, one)

    return attack


BASE = "dc=open,dc=test"


def attacks() -> dict[str, Attack]:
    everywhere = search(2, BASE, "(:caseIgnoreMatch:=nothing like this)")
    pieces = search(2, BASE, "(cn=*" + "a*" * 100_000 + ")")
    sort = Control(oids.SORT_REQUEST, False, SortRequest((SortKey("sn"),)).encode())
    follow = Control(oids.PERSISTENT_SEARCH, True, PersistentSearch(ALL_CHANGES, True, False).encode())
    following = [search(n, BASE, "(objectClass=person)", follow) for n in range(2, 10)]
    subtree = [search(n, BASE, "(objectClass=*)") for n in range(2, 50)]
    return {
        "64 scans by an extensible match": bound([everywhere], 64),
        "substring filter of 100,000 pieces, bound": bound([pieces], 4),
        "64 sorted searches of everybody": bound([search(2, BASE, "(objectClass=*)", sort)], 64),
        "1,000 persistent searches": bound(following, 125, wait=False),
        "200 clients that read nothing of the whole subtree": bound(subtree, 200, wait=False),
    }
