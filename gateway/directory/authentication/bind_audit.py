"""The audit lines of binds: which name, from where, how, with what result, and why. No line has a password.

A stranger makes up names as fast as the server answers: what a name says is cut, and of the refused binds of one address the
first are written in full and the others in one line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from twisted.internet.interfaces import IReactorTime

from gateway.directory.authentication.line_sums import LineSums
from gateway.directory.directory import Party

MAX_NAME_CHARACTERS: Final = 200
"""Characters of a name in a line: names of people are shorter, and a disk is not for those that are made up."""

BIND: Final = "bind"
PROXIED: Final = "proxied authorization"

_log = structlog.get_logger("gateway.bind")


@dataclass(frozen=True, slots=True)
class Mechanism:
    """The SASL mechanism by which a party proves itself; "" for a simple bind. `authz_id`: the identity as which it wants to
    act; `permits`: whether it is the party's own."""

    name: str = ""
    authz_id: str = ""
    permits: Callable[[Party], bool] = lambda _: True

    @property
    def audit(self) -> dict[str, object]:
        """The fields of the audit line."""
        named = {"mechanism": self.name, "authzid": self.authz_id}
        return {key: value for key, value in named.items() if value}


SIMPLE: Final = Mechanism()


class BindAudit:
    """The audit lines of binds. `clock`: by which refused binds are summed up; None: each has its line."""

    def __init__(self, clock: IReactorTime | None = None) -> None:
        self._sums = LineSums(clock, "refused binds", _log)

    def accepted(self, peer: str, fields: Mapping[str, object], event: str = BIND) -> None:
        """Write that a bind was accepted. `fields`: what is known of it."""
        _log.info(event, peer=peer, result="accepted", **_cut(fields))

    def refused(self, peer: str, reason: str, fields: Mapping[str, object], result: str = "refused", event: str = BIND) -> None:
        """Write, or count, that a bind was refused, and why."""
        if self._sums.is_written(peer.rpartition(":")[0]):
            _log.warning(event, peer=peer, result=result, reason=reason, **_cut(fields))

    def close(self) -> None:
        """Write the sums that are not yet written."""
        self._sums.close()


def _cut(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        key: f"{value[:MAX_NAME_CHARACTERS]}… ({len(value):,} characters)"
        if isinstance(value, str) and len(value) > MAX_NAME_CHARACTERS
        else value
        for key, value in fields.items()
    }
