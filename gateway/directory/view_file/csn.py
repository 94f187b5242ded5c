"""Change sequence numbers as OpenLDAP writes them: a moment of the log ↔ `YYYYmmddHHMMSS.uuuuuuZ#CCCCCC#000#MMMMMM`. Pure.

slapd keeps nothing of a cookie but this and compares it as text, so it holds everything that a cookie must say: the time, the
change's number (36 bits: the count, and the first half of the modification number), and the search that it is for, as a mark
(12 bits: the second half)."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime.fromtimestamp(0, UTC)
_SYNTAX = re.compile(r"(\d{14})\.(\d{6})Z#([0-9a-f]{6})#([0-9a-f]{3})#([0-9a-f]{6})", re.ASCII)
_MARK_BITS = 12
_MAX_MARK = (1 << _MARK_BITS) - 1


class Moment(NamedTuple):
    """A change of the log and the time when it was made (milliseconds since 1970)."""

    number: int
    time: int


def format_csn(moment: Moment, mark: int = 0) -> str:
    """Return the CSN of a moment; CSNs of one mark are ordered as text like their moments. `mark`: as `mark_of` gives it; 0:
    none."""
    time = _EPOCH + timedelta(milliseconds=moment.time)
    count, low = divmod(moment.number, 1 << _MARK_BITS)
    return f"{time:%Y%m%d%H%M%S.%f}Z#{count:06x}#000#{low << _MARK_BITS | mark:06x}"


def parse_csn(text: str) -> tuple[Moment, int] | None:
    """Return the moment and the mark; None for text that `format_csn` has not written."""
    found = _SYNTAX.fullmatch(text)
    if found is None or found[4] != "000":
        return None
    try:
        time = datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None
    low, mark = divmod(int(found[5], 16), 1 << _MARK_BITS)
    return Moment(int(found[3], 16) << _MARK_BITS | low, (time - _EPOCH) // timedelta(milliseconds=1)), mark


def mark_of(*search: object) -> int:
    """Return the mark of a search (1 to 4095): a consumer with another filter, or other rights, must begin anew."""
    return int.from_bytes(hashlib.sha256(repr(search).encode()).digest()[:4], "big") % _MAX_MARK + 1
