"""The Protocols by which `sync`, `directory` and `connectors` meet without importing each other; `app/wiring.py` connects them.

A method that blocks is called in a thread, never in the reactor's; one that never blocks is called in the reactor's thread."""

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from gateway.model.deltas import Batch, Watermark
from gateway.model.objects import Attributes, Kind

LOCAL: Final = "local"
"""The source of objects that are mastered here; no source of the configuration may have this name. The external id of each of
its records is the id of the record's object."""

LOCAL_TYPE: Final = "build_in"
"""The kind of LOCAL, in the Developer API's words."""


class CheckStatus(StrEnum):
    """The result of one item of `gateway check`."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warning"
    """It works, but not as the administrator will want it; `cure` says what to do."""
    SKIPPED = "skipped"
    """Not tried: an earlier item failed, or the step is not configured (no TLS)."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """A foreign system's rule that locks accounts: after `failures` wrong passwords within `seconds` (None: they are never
    forgotten). `policy`: its name, for the administrator."""

    policy: str
    failures: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One line of `gateway check`: "name resolves", "TCP", "TLS", "bind", "base", "users". `detail`: the observation; `cure`:
    the remedy when it failed or warned. Both are sentences for the administrator."""

    name: str
    status: CheckStatus
    detail: str = ""
    cure: str = ""
    lockouts: tuple[Lockout, ...] = ()
    """The rules by which accounts are locked there, for whoever knows how many failures the gateway lets through."""
    samples: tuple[tuple[Kind, str, Attributes], ...] = ()
    """The samples of an item that counts: the first five records as they would be read (kind, external name, our
    attributes)."""


class Source(Protocol):
    """A foreign system that is read. One instance has one reader at a time."""

    @property
    def id(self) -> str:
        """The source's name in the configuration."""

    @property
    def source_type(self) -> str:
        """The kind in the Developer API's words: "ldap", "ad", "file", …"""

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """Yield everything since `watermark` (None: a full read), in an order in which it may be applied. Blocks.

        With `follow` false the iterator ends after the batch with `caught_up`. With `follow` true, a source that can push
        yields changes as they arrive, and an empty batch at least every 5 seconds so that the reader stays in control, with
        `heard` false when nothing came from the source meanwhile; a source that cannot push ends. A watermark that the source
        no longer accepts causes a full read, not an error. Raises SourceUnavailable, SourceRefused or InvalidSourceData. May be
        called again after it ended or raised.
        """

    def check(self) -> Iterator[CheckItem]:
        """Try every step of reading in order, and yield each as it is done. Blocks; raises nothing. May be called again."""

    def close(self) -> None:
        """End a blocked `read` or `check` soon; that `read` raises SourceUnavailable. May be called from any thread, any number
        of times; a later `read` works again."""


class BindOutcome(StrEnum):
    """The upstream's verdict on a name and a password."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PolicyNotice:
    """The notice of a password policy beside the outcome of a bind (draft-behera-ldap-password-policy-10 §6.2): at most one of
    the seconds until the password expires and the binds left after it has; and an error by its number there
    (0 passwordExpired, 1 accountLocked, 2 changeAfterReset, …)."""

    expires_in_seconds: int | None = None
    grace_binds_left: int | None = None
    error: int | None = None


@dataclass(frozen=True, slots=True)
class BindAnswer:
    """The answer to a bind. `notice`: None when the upstream has no policy, or the policy has no notice. `reason`: the cause of
    a refusal where the upstream names it; for the audit, never for the client. `sub_code`: Active Directory's, where its
    clients go by it: the password was right, or the account is locked."""

    outcome: BindOutcome
    notice: PolicyNotice | None = None
    reason: str = ""
    sub_code: str = ""


class Authenticator(Protocol):
    """A foreign system at which a password can be checked."""

    def authenticate(self, dn: str, password: bytes) -> Awaitable[BindAnswer]:
        """Bind as `dn`, spelled as the source spells it, with `password`, which is not empty. Never blocks.

        Raises SourceUnavailable when the system is down or does not answer in time (never REFUSED, law 8). The password is not
        kept, logged or retried. May be called any number of times at once.
        """

    def decoy(self, password: bytes) -> Awaitable[None]:
        """Bind as a name that does not exist, so that an unknown user costs the time of a wrong password. Never blocks; raises
        as `authenticate`."""


@dataclass(frozen=True, slots=True)
class ChangeAnswer:
    """The answer to a password change. `code`: the upstream's result code (RFC 4511 §4.1.9), 0 for success; `reason`: its
    diagnostic message; `generated`: the new password when the upstream was to choose it."""

    code: int
    reason: str = ""
    notice: PolicyNotice | None = None
    generated: bytes | None = field(default=None, repr=False)


class PasswordChanger(Protocol):
    """A foreign system whose passwords can be changed through the gateway (RFC 3062)."""

    def change(self, dn: str, old: bytes, new: bytes | None) -> Awaitable[ChangeAnswer]:
        """Change the password of `dn` after a bind with the old one. Neither is empty; `new` None: the upstream chooses. Never
        blocks.

        A wrong old password is code 49. Raises SourceUnavailable; then the password may have been changed or not. Calling it
        twice changes the password twice.
        """

    def reset(self, dn: str, new: bytes | None) -> Awaitable[ChangeAnswer]:
        """Set the password of `dn` with the source's own account, without the old one; otherwise as `change`."""
