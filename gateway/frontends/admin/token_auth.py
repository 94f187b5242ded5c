"""Who may use the admin API: whoever shows the token of the configuration (RFC 6750). Without one, nobody."""

import hmac
from dataclasses import dataclass, field

from gateway.frontends.http.authorization_header import bearer_token
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Request


@dataclass(frozen=True, slots=True)
class Keeper:
    """`token` is never printed; None: the admin API refuses everybody."""

    token: str | None = field(repr=False)

    def check(self, request: Request) -> None:
        """Raises HttpError: 403 when there is no token to show, 401 when another one is shown, or none."""
        if self.token is None:
            raise HttpError(
                403,
                "AdminApiDisabled",
                "The admin API needs a token, and none is set: [management] token_file.",
            )
        if not hmac.compare_digest(bearer_token(request).encode(), self.token.encode()):
            raise HttpError(
                401,
                "InvalidToken",
                "This is not the token of the admin API ([management] token_file).",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
