"""The Authorization header of a request: a bearer token (RFC 6750) or a client's id and secret (RFC 7617).

Parsing only; whether they are right is decided by the face that asked. Nothing here is ever printed."""

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Request

MAX_CREDENTIAL_CHARACTERS = 4_096
"""Our tokens have 43 characters; what is far longer is not one and is not hashed."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A client's id and secret, decoded."""

    client_id: str
    client_secret: str = field(repr=False)


def bearer_token(request: Request, origin: str = "a token from oauth2/token") -> str:
    """Return the token of `Authorization: Bearer …`. Raises HttpError 401 (RFC 6750 §3), which names the origin of the tokens,
    when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_CREDENTIAL_CHARACTERS:
        raise HttpError(
            401,
            "InvalidToken",
            f"A bearer token is needed: Authorization: Bearer … with {origin}.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token


def refused_token() -> HttpError:
    """Return the error for a token that is unknown, expired or revoked, or whose application was disabled (RFC 6750 §3.1)."""
    return HttpError(
        401,
        "InvalidToken",
        "The token is not valid (any more); get a new one from oauth2/token.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def basic_credentials(request: Request) -> ClientCredentials | None:
    """Return the credentials of `Authorization: Basic …` by RFC 6749 §2.3.1 (both form-encoded); None when the header is absent
    or another scheme's, or cannot be read (the caller then finds no credentials)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or len(encoded) > MAX_CREDENTIAL_CHARACTERS:
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return ClientCredentials(unquote_plus(client_id), unquote_plus(secret)) if colon else None
