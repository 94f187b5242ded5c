"""The POSIX numbers in `gateway status`: how many were given of each range, and the numbers that several objects have."""

from __future__ import annotations

from typing import TypedDict

from gateway.app.commands.reports.output import print_line
from gateway.store.engine.database import Connection
from gateway.store.objects import posix_numbers
from gateway.store.objects.posix_numbers import Space
from gateway.sync.objects.posix_allocation import PosixNumbers

SHARED_AT_ONCE = 20
"""Numbers listed that several objects have: with more than that, something is wrong in general."""


class RangeJson(TypedDict):
    """A range of numbers, and how many of it were given."""

    first: int
    last: int
    given: int
    size: int


class SharedNumberJson(TypedDict):
    """A number that several objects have."""

    space: str
    number: int
    names: list[str]


class PosixJson(TypedDict):
    """The POSIX numbers. `ranges` by space (uid, gid)."""

    allocate: bool
    ranges: dict[str, RangeJson]
    shared: list[SharedNumberJson]


def state(connection: Connection, settings: PosixNumbers) -> PosixJson:
    """Return the numbers as JSON shows them."""
    ranges = {Space.UID: settings.uids, Space.GID: settings.gids}
    return {
        "allocate": settings.allocate,
        "ranges": {
            space.value: {
                "first": numbers.first,
                "last": numbers.last,
                "given": posix_numbers.count_allocated(connection, space, *numbers),
                "size": numbers.last - numbers.first + 1,
            }
            for space, numbers in ranges.items()
        },
        "shared": [
            {"space": one.space.value, "number": one.number, "names": list(one.names)}
            for one in posix_numbers.shared(connection, SHARED_AT_ONCE)
        ],
    }


def show(state: PosixJson) -> None:
    """Print a line for each range, and for each number that several objects have."""
    off = "" if state["allocate"] else " (no more are given: [posix] allocate = false)"
    print_line(f"POSIX numbers{off}")
    for space, numbers in state["ranges"].items():
        full = "; it is used up: make it larger" if numbers["given"] >= numbers["size"] else ""
        given = f"{numbers['given']:,} of {numbers['size']:,} given"
        print_line(f"  {space} {numbers['first']} to {numbers['last']}: {given}{full}")
    for one in state["shared"]:
        names = " and ".join(one["names"])
        print_line(f"  {one['space']} {one['number']} is that of {names}: give all but one of them another at the source")
    print_line()
