"""The rate limit of pings: in all, and for each address."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

ANSWERS_PER_SECOND: Final = 200.0
"""Answers in all, some 30 KB a second: a thousand machines that start within five seconds."""

ANSWERS_PER_ADDRESS: Final = 20
"""Answers to one address in ADDRESS_SECONDS: SSSD asks once in a while, adcli some times when it joins. A victim in whose name
is asked gets no more than this."""

ADDRESS_SECONDS: Final = 10.0

MAX_ADDRESSES: Final = 10_000
"""Addresses remembered; the longest unseen goes first."""


class RateLimit:
    """The count of answers. `seconds`: the clock."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._left, self._at = ANSWERS_PER_SECOND, seconds()
        self._addresses: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def admits(self, address: str) -> bool:
        """Return whether one more answer may go to this address now, and count it."""
        now = self._seconds()
        self._left = min(ANSWERS_PER_SECOND, self._left + (now - self._at) * ANSWERS_PER_SECOND)
        self._at = now
        began, count = self._addresses.get(address, (now, 0))
        if now - began >= ADDRESS_SECONDS:
            began, count = now, 0
        if count >= ANSWERS_PER_ADDRESS or self._left < 1:
            return False
        self._left -= 1
        self._addresses[address] = (began, count + 1)
        self._addresses.move_to_end(address)
        if len(self._addresses) > MAX_ADDRESSES:
            self._addresses.popitem(last=False)
        return True
