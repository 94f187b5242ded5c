"""HttpExchange: one request and its answer on Twisted's wire, between its first log-worthy moment and its one log line.

Requests become values here (request.py), and answers become status, headers and octets."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from werkzeug.exceptions import HTTPException

from gateway.directory.authentication.line_sums import LineSums
from gateway.frontends.http.connection import ArrivingRequest
from gateway.frontends.http.errors import HttpError, error_answer, verdict_of
from gateway.frontends.http.forwarded import ForwardedHeaders
from gateway.frontends.http.request import Answer, Request, Stream, without_nul
from gateway.frontends.http.streaming import ClientStalled, Pump
from gateway.model.errors import InvalidInput
from gateway.model.trusted_networks import NOBODY, TrustedNetworks

_log = structlog.get_logger()

STRANGERS_STATUSES: Final = frozenset({400, 401, 403, 405, 429})
"""The statuses of requests that are refused before it is known who asks, or may be."""


class Observe(Protocol):
    """Records each request that was answered, for metrics. `operation` is a route's, or "" when none fitted."""

    def __call__(self, face: str, operation: str, status: int, seconds: float) -> None: ...


def observe_nothing(face: str, operation: str, status: int, seconds: float) -> None:
    """Record nothing, for a face without metrics."""


@dataclass(frozen=True, slots=True)
class Face:
    """The common part of all exchanges of one face. `quiet`: requests that succeed are logged for debugging only.
    `line_sums`: sums of the lines of what strangers are refused. `trusted_proxies`: what they say of a client's address is
    taken."""

    name: str
    quiet: bool
    clock: IReactorTime
    observe: Observe
    line_sums: LineSums
    trusted_proxies: TrustedNetworks = NOBODY


class HttpExchange:
    """One request and its answer; logs and observes it when it is done. `operation`: as Observe has it."""

    def __init__(self, face: Face, wire: ArrivingRequest, operation: str) -> None:
        self.id = str(uuid.uuid4())
        self._face = face
        self._wire = wire
        self._operation = operation
        self._began = time.perf_counter()
        self._peer = str(getattr(wire.getClientAddress(), "host", ""))
        self._peer_error: InvalidInput | None = None
        if face.trusted_proxies:
            try:
                self._peer = self._forwarded().client(self._peer, face.trusted_proxies)
            except InvalidInput as error:
                self._peer_error = error

    def request(self, arguments: dict[str, str]) -> Request:
        """Return the request as a value. Raises InvalidInput when its query is not ASCII, its path holds NUL, or a trusted
        proxy's word of the client cannot be read."""
        wire = self._wire
        if self._peer_error is not None:
            raise self._peer_error
        return Request(
            id=self.id,
            method=wire.method.decode(),
            path=wire.path.decode(),
            peer=self._peer,
            arguments={name: without_nul(name, value) for name, value in arguments.items()},
            query_string=_ascii(wire.uri.partition(b"?")[2]),
            headers={k.decode("latin-1").lower(): v[-1].decode("latin-1") for k, v in wire.requestHeaders.getAllRawHeaders()},
            body=wire.content.read(),
        )

    def answer(self, answer: Answer) -> bytes:
        """Set status and headers; returns the body for klein to write."""
        self._head(answer.status, answer.content_type, answer.headers)
        self._wire.setHeader(b"content-length", str(len(answer.body)).encode())
        self.done(answer.status, len(answer.body))
        return answer.body

    async def stream(self, stream: Stream) -> None:
        """Send a stream. One that breaks in the middle ends without its last chunk, so that the client sees it broken."""
        self._head(200, stream.content_type, stream.headers)
        if self._wire.method == b"HEAD":
            self.done(200, 0)
            return
        try:
            await Pump(self._wire, self._face.clock).run(stream.chunks)
        except CancelledError:
            raise
        except ClientStalled:
            self._break_off("the client did not read")
        except HttpError as error:
            self._break_off(f"{error.status} {error.code} while it was sent")
        except Exception:
            _log.exception("http_stream_failed", face=self._face.name, request_id=self.id)
            self._break_off("failed while it was sent")
        else:
            self.done(200, self._wire.sentLength)

    def failed(self, error: Exception) -> Answer:
        """Return the answer to an error; logs the whole of it where the client is not given its sentence."""
        if not isinstance(error, (HttpError, HTTPException)) and verdict_of(error).logged:
            _log.error("http_request_failed", face=self._face.name, request_id=self.id, exc_info=error)
        return error_answer(error, self.id)

    def done(self, status: int, sent_bytes: int, note: str = "") -> None:
        """Log the one line of this request. The path only: a query may hold a secret."""
        seconds = time.perf_counter() - self._began
        self._face.observe(self._face.name, self._operation, status, seconds)
        anybody_may_cause_it = status in STRANGERS_STATUSES or (status == 404 and not self._operation)
        if anybody_may_cause_it and not self._face.line_sums.is_written(self._peer):
            return
        wire = self._wire
        extra = {"note": note} if note else {}
        write = _log.debug if self._face.quiet and status < 400 else _log.info
        write(
            "http",
            face=self._face.name,
            method=wire.method.decode("latin-1"),
            path=wire.path.decode("latin-1"),
            status=status,
            milliseconds=round(seconds * 1000, 2),
            bytes=sent_bytes,
            peer=self._peer,
            request_id=self.id,
            **extra,
        )

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        wire = self._wire
        wire.setResponseCode(status)
        wire.setHeader(b"content-type", content_type.encode())
        wire.setHeader(b"server", b"directory-gateway")
        wire.setHeader(b"x-request-id", self.id.encode())
        wire.setHeader(b"cache-control", b"no-store")
        wire.setHeader(b"x-content-type-options", b"nosniff")
        for name, value in headers.items():
            wire.setHeader(name.encode(), value.encode())

    def _break_off(self, note: str) -> None:
        self.done(200, self._wire.sentLength, note)
        self._wire.channel.transport.abortConnection()

    def _forwarded(self) -> ForwardedHeaders:
        headers = self._wire.requestHeaders
        values = (headers.getRawHeaders(name, []) for name in (b"forwarded", b"x-forwarded-for"))
        return ForwardedHeaders(*([value.decode("latin-1") for value in one] for one in values))


def _ascii(query: bytes) -> str:
    try:
        return query.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidInput("The query holds bytes that are not percent-encoded.") from None
