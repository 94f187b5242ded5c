"""The audit lines of binds: which name, from where, how, with what result, and why. No line has a password.

A stranger makes up names as fast as the server answers: what a name says is cut, and of the refused binds of one address the
first are written in full and the others in one line. So are the accepted binds that repeat each other, as those of a program
that binds for each request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.directory.authentication.line_sums import SUM_SECONDS, LineSums
from gateway.directory.directory import Party

MAX_NAME_CHARACTERS: Final = 200
"""Characters of a name in a line: names of people are shorter, and a disk is not for those that are made up."""

MAX_REPEATED: Final = 5
"""Lines of accepted binds that say the same, but for the port, in SUM_SECONDS."""

MAX_KINDS: Final = 10_000
"""Accepted binds that are told apart at the same time; one beyond has its line."""

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
    """The audit lines of binds. `clock`: by which binds are summed up; None: each has its line."""

    def __init__(self, clock: IReactorTime | None = None) -> None:
        self._sums = LineSums(clock, "refused binds", _log)
        self._clock = clock
        self._accepted: dict[tuple[str, str, str], _Accepted] = {}
        self._timer: IDelayedCall | None = None

    def accepted(self, peer: str, fields: Mapping[str, object], event: str = BIND) -> None:
        """Write, or count, that a bind was accepted. `fields`: what is known of it."""
        if self._is_written(peer.rpartition(":")[0], event, fields):
            _log.info(event, peer=peer, result="accepted", **_cut(fields))

    def _is_written(self, address: str, event: str, fields: Mapping[str, object]) -> bool:
        if self._clock is None:
            return True
        key = (address, event, str(fields))
        known = self._accepted.get(key)
        if known is None:
            if len(self._accepted) >= MAX_KINDS:
                return True
            known = self._accepted[key] = _Accepted(address, event, fields)
        known.number += 1
        if self._timer is None:
            self._timer = self._clock.callLater(SUM_SECONDS, self._sum_up)
        return known.number <= MAX_REPEATED

    def _sum_up(self) -> None:
        """Write how many accepted binds were counted since the last time."""
        counted, self._accepted, self._timer = self._accepted, {}, None
        for bind in counted.values():
            more = bind.number - MAX_REPEATED
            if more > 0:
                words = f"{more:,} more of this {bind.event} in {SUM_SECONDS:.0f} s"
                _log.info(words, address=bind.address, result="accepted", count=more, **_cut(bind.fields))

    def refused(self, peer: str, reason: str, fields: Mapping[str, object], result: str = "refused", event: str = BIND) -> None:
        """Write, or count, that a bind was refused, and why."""
        if self._sums.is_written(peer.rpartition(":")[0]):
            _log.warning(event, peer=peer, result=result, reason=reason, **_cut(fields))

    def close(self) -> None:
        """Write the sums that are not yet written."""
        self._sums.close()
        if self._timer is not None:
            self._timer.cancel()
            self._sum_up()


@dataclass(slots=True)
class _Accepted:
    """Accepted binds that repeat each other: what they have in common, and their number."""

    address: str
    event: str
    fields: Mapping[str, object]
    number: int = 0


def _cut(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        key: f"{value[:MAX_NAME_CHARACTERS]}… ({len(value):,} characters)"
        if isinstance(value, str) and len(value) > MAX_NAME_CHARACTERS
        else value
        for key, value in fields.items()
    }
