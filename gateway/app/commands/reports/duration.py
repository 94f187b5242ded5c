"""Durations that people type: "90min", "12h", "7d", "4w"."""

import re
from datetime import timedelta
from typing import Final

import click

UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DIGITS: Final = 4
"""So that no duration ends beyond the calendar."""

_FORM = re.compile(rf"([1-9][0-9]{{0,{_DIGITS - 1}}})({'|'.join(UNITS)})")


class Duration(click.ParamType[timedelta]):
    """A whole number and its unit."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration that was typed."""
        if isinstance(value, timedelta):
            return value
        found = _FORM.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no duration; write a number and one of {', '.join(UNITS)}: 12h, 7d", param, ctx)
        return int(found[1]) * UNITS[found[2]]
