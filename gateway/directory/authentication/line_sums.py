"""Sums of log lines that strangers cause: of one address the first are written and the others counted, in one line.

A stranger causes them as fast as the server answers; a disk, and who reads the lines, must not suffer for it (law 13)."""

from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from gateway.directory.authentication.bind_admission import network_of

SUM_SECONDS: Final = 10.0

MAX_LINES: Final = 20
"""Lines of one address in SUM_SECONDS that are written: people who mistype, and programs that fail, cause fewer."""

MAX_ALL_LINES: Final = 400
"""The same of all addresses together: of 400 octets at most, 16 KiB a second."""

MAX_ADDRESSES: Final = 1_000
"""Addresses that are counted at the same time; all others share a count."""

OTHERS: Final = "other addresses"


@dataclass(slots=True)
class _Count:
    timer: IDelayedCall
    lines: int = 0
    more: int = 0


class LineSums:
    """The sums of one sort of line. `clock`: None: nothing is summed up; `what`: completes "1,234 more …"; `log`: a logger."""

    def __init__(self, clock: IReactorTime | None, what: str, log: Any) -> None:
        self._clock = clock
        self._what = what
        self._log = log
        self._counts: dict[str, _Count] = {}
        self._lines = 0

    def is_written(self, host: str) -> bool:
        """Return whether a line about this address is to be written; if not, it is counted."""
        if self._clock is None:
            return True
        address = network_of(host)
        if address not in self._counts and len(self._counts) >= MAX_ADDRESSES:
            address = OTHERS
        count = self._counts.get(address)
        if count is None:
            count = self._counts[address] = _Count(self._clock.callLater(SUM_SECONDS, self._sum_up, address))
        if count.lines < MAX_LINES and self._lines < MAX_ALL_LINES:
            count.lines += 1
            self._lines += 1
            return True
        count.more += 1
        return False

    def _sum_up(self, address: str) -> None:
        count = self._counts.pop(address)
        self._lines -= count.lines
        if count.timer.active():
            count.timer.cancel()
        if count.more:
            words = f"{count.more:,} more {self._what} from {address} in {SUM_SECONDS:.0f} s"
            self._log.warning(words, address=address, count=count.more)

    def close(self) -> None:
        """Write the sums that are not yet written."""
        for address in list(self._counts):
            self._sum_up(address)
