"""The authorization of the admin API: a bearer token (RFC 6750), that of the configuration. Without one every request is
refused."""

import hmac
from dataclasses import dataclass, field
from typing import Final

from gateway.frontends.http.authorization_header import bearer_token
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Request

OF_ADMIN_API: Final = "the token of the admin API ([management] token_file)"


@dataclass(frozen=True, slots=True)
class AdminTokenCheck:
    """The check of each request. `token` is never printed; None: the admin API refuses every request."""

    token: str | None = field(repr=False)

    def check(self, request: Request) -> None:
        """Raise HttpError unless the request shows the token: 403 when there is none to show, 401 when another one is shown, or
        none."""
        if self.token is None:
            raise HttpError(
                403,
                "AdminApiDisabled",
                "The admin API needs a token, and none is set: [management] token_file.",
            )
        if not hmac.compare_digest(bearer_token(request, OF_ADMIN_API).encode(), self.token.encode()):
            raise HttpError(
                401,
                "InvalidToken",
                f"This is not {OF_ADMIN_API}.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
