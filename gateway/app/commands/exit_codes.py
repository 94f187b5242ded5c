"""The exit codes of the command line, by which scripts tell errors apart."""

from __future__ import annotations

from gateway.model.errors import (
    ConfigurationError,
    DeletionsRefused,
    GatewayError,
    InvalidSourceData,
    SourceRefused,
    SourceUnavailable,
    StoreUnavailable,
)

OK, FAILED, USAGE = 0, 1, 2

EXIT_CODES: dict[type[GatewayError], int] = {
    ConfigurationError: USAGE,
    DeletionsRefused: 3,
    SourceUnavailable: 4,
    SourceRefused: 4,
    InvalidSourceData: 4,
    StoreUnavailable: 5,
}
"""Every other error of ours is FAILED."""


def exit_code(error: GatewayError) -> int:
    """Return the code of an error."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), FAILED)
