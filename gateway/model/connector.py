"""The Protocols by which `sync`, `directory` and `connectors` meet without seeing each other; `app/wiring.py` introduces them.

Everything here may be called from any thread but the reactor's where it says "blocks"."""

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from gateway.model.deltas import Batch, Watermark
from gateway.model.objects import Attributes, Kind

LOCAL: Final = "local"
"""The source of what is written here and nowhere else; no source of the configuration may have this name. The external id of
each of its records is the id of the object that it is about."""

LOCAL_TYPE: Final = "build_in"
"""Its kind, in the Developer API's words."""


class CheckStatus(StrEnum):
    """How one item of `gateway check` went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not tried because an earlier item failed, or not asked for (no TLS configured)."""


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One line of `gateway check`: "name resolves", "TCP", "TLS", "bind", "base", "users". `detail` is what was seen;
    `cure` is what to do when it failed."""

    name: str
    status: CheckStatus
    detail: str = ""
    cure: str = ""
    samples: tuple[tuple[Kind, str, Attributes], ...] = ()
    """For the counting items: the first five records as they would become (kind, external name, our attributes)."""


class Source(Protocol):
    """A foreign system that is read. One instance, one reader at a time."""

    @property
    def id(self) -> str:
        """The source's name in the configuration."""

    @property
    def source_type(self) -> str:
        """The kind in the Developer API's words: "ldap", "ad", "file", …"""

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """Blocks. Everything since `watermark` (None: a full read), in an order in which it may be applied.

        With `follow` false the iterator ends after the batch with `caught_up`. With `follow` true, a source that can push
        goes on yielding as changes arrive, and yields an empty batch at least every 5 seconds so that the reader stays in
        control; a source that cannot push ends. A watermark that the source no longer accepts makes it a full read, not an
        error. Raises SourceUnavailable, SourceRefused or InvalidSourceData. May be called again after it ended or raised.
        """

    def check(self) -> Iterator[CheckItem]:
        """Blocks. Tries every step of reading one after the other and yields each as it is done; raises nothing."""

    def close(self) -> None:
        """May be called from any thread: a blocked `read` ends soon (it raises SourceUnavailable)."""


class BindOutcome(StrEnum):
    """What the upstream said of a name and a password."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PolicyNotice:
    """What a password policy says beside yes or no (draft-behera-ldap-password-policy-10 §6.2): at most one of seconds until
    the password expires and binds left after it has; and an error by its number there (0 passwordExpired, 1 accountLocked,
    2 changeAfterReset, …)."""

    expires_in_seconds: int | None = None
    grace_binds_left: int | None = None
    error: int | None = None


@dataclass(frozen=True, slots=True)
class BindAnswer:
    """`notice`: None when the upstream's policy has nothing to say, or there is none. `reason`: why it refused, in words for
    the audit, where it tells; never for who is being refused."""

    outcome: BindOutcome
    notice: PolicyNotice | None = None
    reason: str = ""


class Authenticator(Protocol):
    """A foreign system that can be asked whether a password is right."""

    def authenticate(self, dn: str, password: bytes) -> Awaitable[BindAnswer]:
        """Never blocks. `dn` as the source spelled it, `password` not empty. Raises SourceUnavailable when the system is down
        or does not answer in time (never REFUSED, law 8). The password is not kept, logged or retried."""

    def decoy(self, password: bytes) -> Awaitable[None]:
        """As `authenticate` for a name that does not exist, so that an unknown user costs the time of a wrong password."""


@dataclass(frozen=True, slots=True)
class ChangeAnswer:
    """How a change of password went. `code` is the upstream's result code (RFC 4511 §4.1.9), 0 when it was changed; `reason`
    its words; `generated` the new password when the upstream was to choose it."""

    code: int
    reason: str = ""
    notice: PolicyNotice | None = None
    generated: bytes | None = field(default=None, repr=False)


class PasswordChanger(Protocol):
    """A foreign system whose passwords can be changed through the gateway (RFC 3062)."""

    def change(self, dn: str, old: bytes, new: bytes | None) -> Awaitable[ChangeAnswer]:
        """Never blocks. Changes the password as the person, who proves to be it by the old one (neither is empty; `new` None:
        the upstream chooses). A wrong old password is code 49. Raises SourceUnavailable."""

    def reset(self, dn: str, new: bytes | None) -> Awaitable[ChangeAnswer]:
        """The same with the source's own account, without the old password."""
