"""Error → HTTP status, code and sentence, in one table; the one shape in which every face of the kit answers an error.

No secret, no path of a file and no word of an unknown error reaches a client: such errors get one fixed sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from werkzeug.exceptions import HTTPException

from gateway.frontends.http.request import Answer, json_answer
from gateway.model.errors import (
    Busy,
    ChangesPruned,
    Conflict,
    DecidedElsewhere,
    GatewayError,
    InvalidInput,
    NotFound,
    NotGranted,
    OutcomeUnknown,
    SourceRefused,
    SourceUnavailable,
    StoreUnavailable,
)

BUSY = "The gateway cannot reach what it needs to answer; nothing was changed. Try again in a few seconds."
NOT_KNOWN = "The gateway's store did not answer; whether this was done is not known. Look before you repeat it."
UNKNOWN = "The gateway failed on this request. Its log has the details under the requestId."


class HttpError(GatewayError):
    """An error of HTTP itself or of the caller's credentials: the status and code are part of it.

    `extra` is added to the body (RFC 6749's `error`), `headers` to the answer (`WWW-Authenticate`, `Retry-After`).
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to an error: `message` None means the error's own sentence; `logged`: the whole of it becomes a log line."""

    status: int
    code: str
    message: str | None = None
    logged: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


_RETRY = {"Retry-After": "5"}

VERDICTS: dict[type[Exception], Verdict] = {
    InvalidInput: Verdict(400, "InvalidParameter"),
    NotFound: Verdict(404, "ResourceNotFound"),
    NotGranted: Verdict(403, "Forbidden"),
    Conflict: Verdict(409, "Conflict"),
    DecidedElsewhere: Verdict(409, "DecidedElsewhere"),
    ChangesPruned: Verdict(410, "Gone"),
    Busy: Verdict(503, "ServiceUnavailable", logged=True, headers=_RETRY),
    SourceRefused: Verdict(502, "SourceRefused", BUSY, logged=True),
    SourceUnavailable: Verdict(503, "ServiceUnavailable", BUSY, logged=True, headers=_RETRY),
    StoreUnavailable: Verdict(503, "ServiceUnavailable", BUSY, logged=True, headers=_RETRY),
    OutcomeUnknown: Verdict(503, "ServiceUnavailable", NOT_KNOWN, logged=True, headers=_RETRY),
    Exception: Verdict(500, "InternalError", UNKNOWN, logged=True),
}
"""The nearest class in an error's ancestry decides."""

ROUTING: dict[int, tuple[str, str]] = {
    404: ("NotFound", "There is nothing at this path."),
    405: ("MethodNotAllowed", "This path does not take this method; the Allow header names those it takes."),
}
"""Code and sentence for a request that fits no route, by the router's status."""


def verdict_of(error: BaseException) -> Verdict:
    """Return the row of the table for `error`."""
    for ancestor in type(error).__mro__:
        if (verdict := VERDICTS.get(ancestor)) is not None:
            return verdict
    return VERDICTS[Exception]


def error_answer(error: BaseException, request_id: str) -> Answer:
    """Return the answer to `error`."""
    if isinstance(error, HttpError):
        return shape(error.status, error.code, str(error), request_id, error.headers, error.extra)
    if isinstance(error, HTTPException):
        return routing_answer(error, request_id)
    verdict = verdict_of(error)
    message = str(error) if verdict.message is None else verdict.message
    return shape(verdict.status, verdict.code, message, request_id, verdict.headers)


def routing_answer(error: HTTPException, request_id: str) -> Answer:
    """Return the answer to a request that fits no route. No client is redirected to a tidier path: 404."""
    status = error.code if error.code in ROUTING else 404
    code, message = ROUTING[status]
    methods = getattr(error, "valid_methods", None)
    return shape(status, code, message, request_id, {"Allow": ", ".join(sorted(methods))} if methods else {})


def shape(
    status: int,
    code: str,
    message: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, object] | None = None,
) -> Answer:
    """Return the answer `{"code", "message", "requestId"}` with what `extra` adds."""
    return json_answer({**(extra or {}), "code": code, "message": message, "requestId": request_id}, status, headers)
