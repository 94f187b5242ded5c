"""oauth2/token (RFC 6749 §4.4, client credentials only) and oauth2/revoke (RFC 7009).

A client gives its id and secret in the query (as the public SDK does), in a form body, or by HTTP Basic (RFC 6749 §2.3.1).
Errors carry RFC 6749's codes beside ours. Secrets and tokens are in no log line and no error."""

from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from twisted.internet.interfaces import IReactorTime

from gateway.directory.authentication.line_sums import LineSums
from gateway.frontends.developer.oauth.client_lockout import Lockout
from gateway.frontends.http.authorization_header import MAX_CREDENTIAL_CHARACTERS, ClientCredentials, basic_credentials
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Answer, Request, json_answer
from gateway.model.applications import Application
from gateway.model.errors import InvalidInput
from gateway.store.clients import access_tokens, applications
from gateway.store.engine.database import Connection, Database

MAX_CLIENT_ID_CHARACTERS = 64
"""Characters of a client id in a log line: ours have 36."""

_log = structlog.get_logger("gateway.token")

TOKEN_SECONDS = 1_200
"""Lifetime of a token: twenty minutes, as at the modelled service."""


def now() -> datetime:
    """Return the time by the wall clock, which is what tokens expire by on every node."""
    return datetime.now(UTC)


class TokenEndpoint:
    """The endpoints that issue and revoke tokens. The application in the path and the client id must be one and the same."""

    def __init__(self, database: Database, lockout: Lockout, clock: IReactorTime | None = None) -> None:
        """`clock`: by which audit lines of refused requests are summed up; None: each is written."""
        self._sums = LineSums(clock, "refused token requests", _log)
        self._database = database
        self._lockout = lockout

    async def token(self, request: Request) -> Answer:
        """GenerateToken."""
        given = parameters(request)
        grant_type = given.get("grant_type", "")
        if not grant_type:
            raise oauth_error(400, "invalid_request", "grant_type: missing; client_credentials is supported.")
        if grant_type != "client_credentials":
            raise oauth_error(400, "unsupported_grant_type", "grant_type: only client_credentials is supported.")
        application = await self._authenticated(request, given, "token")
        issued_at = now()

        def issue(connection: Connection) -> str:
            # The few that have expired since the last token was given; so the table needs no other upkeep.
            access_tokens.purge(connection, issued_at)
            return access_tokens.issue(connection, application.id, TOKEN_SECONDS, issued_at, application.secret_used)

        token = await self._database.write(issue)
        _log.info("token", peer=request.peer, result="accepted", application=application.name, client_id=application.id)
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "expires_at": int(issued_at.timestamp()) + TOKEN_SECONDS,
        }
        return json_answer(answer, headers={"Pragma": "no-cache"})

    async def revoke(self, request: Request) -> Answer:
        """RevokeToken. An unknown token, or another application's, is no error (RFC 7009 §2.2)."""
        given = parameters(request)
        application = await self._authenticated(request, given, "token revoked")
        token = given.get("token", "")
        if not token:
            raise oauth_error(400, "invalid_request", "token: missing.")
        await self._database.write(lambda connection: access_tokens.revoke(connection, token, application.id))
        _log.info("token revoked", peer=request.peer, result="accepted", application=application.name, client_id=application.id)
        return json_answer({})

    async def _authenticated(self, request: Request, given: Mapping[str, str], event: str) -> Application:
        """Return the application whose id and secret were given; one that is refused has an audit line of this event."""
        try:
            credentials = client_credentials(request, given)
        except HttpError:
            self._refused(request, event, "", "no client id and secret were sent as they must be")
            raise
        client_id, secret = credentials.client_id, credentials.client_secret
        if client_id != request.arguments["application_id"]:  # refused like a wrong secret, and the store need not be asked
            self._lockout.failed(client_id, request.peer)
            self._refused(request, event, client_id, "the path names another application")
            raise _refused_client(request)
        wait = self._lockout.seconds_to_wait(client_id, request.peer)
        if wait:
            self._refused(request, event, client_id, "too many wrong secrets from this address")
            raise oauth_error(
                429,
                "invalid_client",
                f"Too many wrong secrets from this address; try again in {wait} second{'s' if wait > 1 else ''}.",
                {"Retry-After": str(wait)},
            )
        application, reason = await self._database.read(lambda connection: _verified(connection, client_id, secret))
        if application is None:
            self._lockout.failed(client_id, request.peer)
            self._refused(request, event, client_id, reason)
            raise _refused_client(request)
        self._lockout.succeeded(client_id, request.peer)
        return application

    def _refused(self, request: Request, event: str, client_id: str, reason: str) -> None:
        if self._sums.is_written(request.peer):
            shown = client_id[:MAX_CLIENT_ID_CHARACTERS]
            _log.warning(event, peer=request.peer, result="refused", client_id=shown, reason=reason)


def _verified(connection: Connection, client_id: str, secret: str) -> tuple[Application | None, str]:
    """Return the application with this id and secret; or None and why, which clients do not learn, after the same work."""
    application, named = applications.verify(connection, client_id, secret, now()), applications.get(connection, client_id)
    if application is not None and application.id == client_id:
        return application, ""
    return None, "unknown client" if named is None else "wrong secret" if named.enabled else "disabled"


def parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the query and of the form body together. RFC 6749 §3.2: none may come twice."""
    try:
        query, form = request.query(), request.form()
    except InvalidInput as error:
        raise oauth_error(400, "invalid_request", str(error)) from None
    twice = query.keys() & form.keys()
    if twice:
        raise oauth_error(400, "invalid_request", f"{min(twice)[:64]}: given in the query and in the body.")
    return query | form


def client_credentials(request: Request, given: Mapping[str, str]) -> ClientCredentials:
    """Return the client's id and secret, given in exactly one way (RFC 6749 §2.3)."""
    basic = basic_credentials(request)
    if basic is not None:
        if "client_secret" in given:
            raise oauth_error(400, "invalid_request", "client_secret: given beside HTTP Basic; use one of them.")
        return basic
    client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
    if not client_id or not secret or len(client_id) + len(secret) > MAX_CREDENTIAL_CHARACTERS:
        raise _refused_client(request)
    return ClientCredentials(client_id, secret)


def oauth_error(status: int, error: str, message: str, headers: Mapping[str, str] | None = None) -> HttpError:
    """Return an error of RFC 6749 §5.2 with our code beside it: `invalid_client` is `InvalidClient`."""
    code = "".join(word.capitalize() for word in error.split("_"))
    extra = {"error": error, "error_description": message}
    return HttpError(status, code, message, headers=headers, extra=extra)


def _refused_client(request: Request) -> HttpError:
    basic = request.headers.get("authorization", "").lower().startswith("basic ")
    return oauth_error(
        401,
        "invalid_client",
        "The client id, its secret, or the application in the path is not right, or the application is disabled.",
        {"WWW-Authenticate": 'Basic realm="directory-gateway"'} if basic else None,
    )
