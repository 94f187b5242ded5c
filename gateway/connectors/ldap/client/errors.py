"""The errors of an LDAP upstream: the two exceptions, and the tables from result codes and certificate errors to cures.

A result code other than success never becomes an answer, least of all an empty one (law 8). No secret goes into an error."""

import ssl
from dataclasses import dataclass
from typing import Final

from gateway.model.errors import SourceRefused, SourceUnavailable
from gateway.wire.messages import Result
from gateway.wire.result_codes import ResultCode

_MOST_DIAGNOSTIC_CHARACTERS = 200  # a server's own words end up in one log line


@dataclass(frozen=True, slots=True)
class Place:
    """The origin of an error: the source's name in the configuration, and the URL that was tried."""

    source_id: str
    url: str

    def __str__(self) -> str:
        return f"source {self.source_id}: {self.url}"


class UpstreamUnavailable(SourceUnavailable):
    """The server could not be reached, was cut off, or cannot answer now. Trying again later may help."""

    def __init__(self, place: Place, what: str, cure: str) -> None:
        super().__init__(f"{place}: {what}: {cure}")
        self.what = what
        self.cure = cure


class UpstreamRefused(SourceRefused):
    """The server refused. An administrator must change something."""

    def __init__(self, place: Place, what: str, cure: str) -> None:
        super().__init__(f"{place}: {what}: {cure}")
        self.what = what
        self.cure = cure


UpstreamError = UpstreamUnavailable | UpstreamRefused

TEMPORARY: Final = frozenset(
    {ResultCode.TIME_LIMIT_EXCEEDED, ResultCode.BUSY, ResultCode.UNAVAILABLE, ResultCode.OPERATIONS_ERROR, ResultCode.OTHER}
)
"""The result codes for which the same request may succeed later: they are no fault of the configuration."""

SEARCH_CURES: Final[dict[int, str]] = {
    ResultCode.PROTOCOL_ERROR: 'the server does not understand the request; try mode = "poll"',
    ResultCode.TIME_LIMIT_EXCEEDED: "the answer is incomplete and was not used; raise the server's time limit for bind_dn",
    ResultCode.SIZE_LIMIT_EXCEEDED: "the answer is incomplete and was not used; raise the server's size limit for bind_dn "
    '(OpenLDAP: limits dn.exact="BIND DN" size=unlimited)',
    ResultCode.ADMIN_LIMIT_EXCEEDED: "the answer is incomplete and was not used; raise the server's limits for bind_dn",
    ResultCode.STRONGER_AUTH_REQUIRED: "use start_tls = true or an ldaps:// URL, and set bind_dn and a password",
    ResultCode.CONFIDENTIALITY_REQUIRED: "use start_tls = true or an ldaps:// URL",
    ResultCode.REFERRAL: "the server does not hold this base; use the URL of the server that does",
    ResultCode.NO_SUCH_OBJECT: "correct the base, or give bind_dn the right to see it",
    ResultCode.INVALID_DN_SYNTAX: "correct the base",
    ResultCode.INSUFFICIENT_ACCESS_RIGHTS: "give bind_dn the right to search and read here",
    ResultCode.UNWILLING_TO_PERFORM: "look into the server's log",
    ResultCode.BUSY: "it is tried again later",
    ResultCode.UNAVAILABLE: "it is tried again later",
}

BIND_CURES: Final[dict[int, str]] = {
    ResultCode.INVALID_CREDENTIALS: "check bind_dn and password",
    ResultCode.NO_SUCH_OBJECT: "check bind_dn",
    ResultCode.INVALID_DN_SYNTAX: "check bind_dn",
    ResultCode.INAPPROPRIATE_AUTHENTICATION: "set bind_dn and a password: the server takes no anonymous bind",
    ResultCode.CONFIDENTIALITY_REQUIRED: "use start_tls = true or an ldaps:// URL",
    ResultCode.STRONGER_AUTH_REQUIRED: "use start_tls = true or an ldaps:// URL",
    ResultCode.BUSY: "it is tried again later",
    ResultCode.UNAVAILABLE: "it is tried again later",
}

CERTIFICATE_CURES: Final[dict[int, str]] = {
    9: "the clocks disagree, or a certificate that is valid already must be installed on the server",
    10: "renew the server's certificate",
    18: "give the file of the authority that signed the server's certificate as ca_file",
    19: "give the file of the authority that signed the server's certificate as ca_file",
    20: "give the file of the authority that signed the server's certificate as ca_file",
    21: "give the file of the authority that signed the server's certificate as ca_file",
    62: "use the name that the server's certificate bears in the URL, or have a certificate issued for this name",
    64: "use the name that the server's certificate bears in the URL, or have a certificate issued for this address",
}
"""The cures by OpenSSL's X509_V_ERR_… number."""


def name_of(code: int) -> str:
    """Return the number and RFC 4511's word for it: `49 invalidCredentials`."""
    try:
        first, *rest = ResultCode(code).name.lower().split("_")
    except ValueError:
        return str(code)
    return f"{code} {first}{''.join(word.capitalize() for word in rest)}"


def described(result: Result) -> str:
    """Return the code with the server's diagnostic message, where there is one."""
    text = "".join(character if character.isprintable() else " " for character in result.diagnostic_message).strip()
    words = f", {text[:_MOST_DIAGNOSTIC_CHARACTERS]!r}" if text else ""
    return f"{name_of(result.code)}{words}"


def refusal(place: Place, what: str, result: Result, cures: dict[int, str]) -> UpstreamError:
    """Return the error for an answer other than success; `what` names the request that failed."""
    kind = UpstreamUnavailable if result.code in TEMPORARY else UpstreamRefused
    return kind(place, f"{what} ({described(result)})", cures.get(result.code, "look into the server's log"))


def tls_failure(place: Place, error: OSError) -> UpstreamError:
    """Return the error for a TLS handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        cure = CERTIFICATE_CURES.get(error.verify_code, "correct the server's certificate or ca_file")
        return UpstreamRefused(place, f"the server's certificate is not accepted ({error.verify_message.rstrip('.')})", cure)
    if isinstance(error, TimeoutError):
        return UpstreamUnavailable(
            place, "no answer in the TLS handshake", "see whether the server hangs or the port speaks TLS"
        )
    words = (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or type(error).__name__
    return UpstreamUnavailable(place, f"the TLS handshake failed ({words})", "see whether this port speaks TLS")
