"""A plan carried out over a socket, the answers handed to the judge. Nothing waits longer than PATIENCE_SECONDS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import suppress

from scripts.fuzzing.judge import Judge, SurpriseError
from scripts.fuzzing.plans import Plan, Step
from scripts.fuzzing.world import Access

PATIENCE_SECONDS = 30.0
LAST_WORDS_SECONDS = 0.05  # how long a client that asked for nothing definite listens before it goes
READ_BYTES = 64 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST

WITHOUT_CHECKS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
WITHOUT_CHECKS.check_hostname = False
WITHOUT_CHECKS.verify_mode = ssl.CERT_NONE


async def hold(plan: Plan, access: Access) -> int:
    """Carry out the plan; how many answers came. Raises SurpriseError when the server was wrong."""
    judge = Judge()
    address = access.ldaps if plan.encrypted else access.ldap
    context = WITHOUT_CHECKS if plan.encrypted else None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(*address, ssl=context)
    except (OSError, TimeoutError) as error:
        raise SurpriseError(f"no connection: {error!r}") from None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await _talk(plan, judge, reader, writer)
    except TimeoutError:
        raise SurpriseError(f"no answer within {PATIENCE_SECONDS:.0f} s to {sorted(judge.waiting)[:10]}") from None
    except OSError as error:  # the server has ended it, TLS or not
        if plan.complete:
            raise SurpriseError(f"{error!r} with these unanswered: {sorted(judge.waiting)[:10]}") from None
    finally:
        _leave(plan, writer)
    return judge.answers


async def _talk(plan: Plan, judge: Judge, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    steps = list(plan.steps)
    if Step.SECURE in steps:
        behind = steps.index(Step.SECURE)
        for step in steps[:behind]:
            await _do(step, judge, writer)
        if not await _secure(judge, reader, writer):
            if plan.complete:
                raise SurpriseError("StartTLS was not granted")
            return
        del steps[: behind + 1]
    listening = asyncio.create_task(_listen(judge, reader)) if plan.reads else None
    try:
        with suppress(OSError):  # a client that is cut off while it sends may still read the reason
            for step in steps:
                await _do(step, judge, writer)
        if listening is None:
            return
        if plan.complete:
            await _until_answered(judge, listening)
        elif Step.HALF_CLOSE in steps:
            await listening
        else:
            await asyncio.wait([listening], timeout=LAST_WORDS_SECONDS)
    finally:
        if listening is not None:
            if not listening.done():
                listening.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await listening


async def _do(step: bytes | float | Step, judge: Judge, writer: asyncio.StreamWriter) -> None:
    if isinstance(step, bytes):
        judge.sent(step)
        writer.write(step)
        await _drain(writer)
    elif isinstance(step, Step):
        if writer.can_write_eof():
            writer.write_eof()
    else:
        await asyncio.sleep(step)


async def _drain(writer: asyncio.StreamWriter) -> None:
    """The server may stop reading us: a client that does not read its answers must not wait for that for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS / 10):
            await writer.drain()


async def _secure(judge: Judge, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Start TLS; return False when the server has closed, or refused."""
    while 1 in judge.waiting:
        data = await reader.read(READ_BYTES)
        if not data:
            return False
        judge.received(data)
    if judge.over:
        return False
    judge.secured()
    try:
        await writer.start_tls(WITHOUT_CHECKS)
    except (OSError, ssl.SSLError):
        return False
    return True


async def _listen(judge: Judge, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(READ_BYTES):
        judge.received(data)
    judge.closed()


async def _until_answered(judge: Judge, listening: asyncio.Task[None]) -> None:
    while judge.waiting and not listening.done():
        await asyncio.wait([listening], timeout=0.01)
    if listening.done():
        listening.result()
        if judge.waiting:
            raise SurpriseError(f"the server closed the connection and left unanswered: {sorted(judge.waiting)[:10]}")


def _leave(plan: Plan, writer: asyncio.StreamWriter) -> None:
    if plan.reset:
        with suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
    else:
        with suppress(OSError):
            writer.close()
