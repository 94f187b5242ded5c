"""Times as LDAP and Windows write them: Generalized Time (RFC 4517 §3.3.13), FILETIME ([MS-DTYP] §2.3.3). Pure.

A FILETIME counts ticks of a tenth of a microsecond since 1601; a datetime has no digit for the last one."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
TICKS_A_SECOND: Final = 10_000_000
NEVER: Final = 0x7FFF_FFFF_FFFF_FFFF
"""The FILETIME of what does not come; in most attributes 0 means it as well."""

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,](\d{1,20}))?(Z|[+-]\d\d(?:\d\d)?)")
_LEAP_SECOND = 60
_LAST_TICK = (int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - EPOCH).total_seconds()) + 1) * TICKS_A_SECOND - 1


def filetime(moment: datetime) -> int:
    """Return the moment in ticks."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * TICKS_A_SECOND + since.microseconds * 10


def of_filetime(ticks: int) -> datetime | None:
    """Return the moment of these ticks; None beyond the year 9999."""
    return EPOCH + timedelta(microseconds=ticks // 10) if 0 <= ticks <= _LAST_TICK else None


def ticks_of(text: str) -> int | None:
    """Return the ticks of a Generalized Time: minutes and seconds may be missing, a fraction is of the last part. None for a
    text that is none."""
    matched = _TIME.fullmatch(text)
    if not matched:
        return None
    year, month, day, hour, minute, second, fraction, zone = matched.groups()
    if int(second or 0) > _LEAP_SECOND:
        return None
    unit = 1 if second else 60 if minute else 3_600
    offset = timedelta(0)
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:] or 0)) * (-1 if zone[0] == "-" else 1)
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute or 0), min(int(second or 0), 59), tzinfo=timezone(offset)
        )
    except ValueError:
        return None
    denominator: int = 10 ** len(fraction or "")
    return filetime(moment) + unit * TICKS_A_SECOND * int(fraction or 0) // denominator


def moment_of(text: str) -> datetime | None:
    """Return the moment of a Generalized Time; None for a text that is none."""
    ticks = ticks_of(text)
    try:
        return None if ticks is None else EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


def text_of(ticks: int) -> str | None:
    """Return ticks as a Generalized Time, with the digits that they need; None beyond the year 9999."""
    moment = of_filetime(ticks)
    if moment is None:
        return None
    rest = ticks % TICKS_A_SECOND
    return f"{moment:%Y%m%d%H%M%S}{f'.{rest:07d}'.rstrip('0') if rest else ''}Z"
