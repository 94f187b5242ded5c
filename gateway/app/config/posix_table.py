"""`[posix]` of gateway.toml: POSIX numbers for users and groups that get none from a source."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, PositiveInt

from gateway.app.value_types import Table
from gateway.store.engine.normalized_keys import MAX_POSIX_NUMBER
from gateway.sync.objects.posix_allocation import DEFAULT_RANGE, PosixNumbers, Range


def _range(numbers: tuple[int, int]) -> tuple[int, int]:
    first, last = numbers
    if not 1 <= first <= last <= MAX_POSIX_NUMBER:
        raise ValueError(
            f"[{first}, {last}] is no range of POSIX numbers; write the first and the last, such as [10000, 59999]"
        )
    return numbers


NumberRange = Annotated[tuple[int, int], AfterValidator(_range)]


class PosixTable(Table):
    """A table with at least one key allocates numbers, unless `allocate` is false; without the table no number is given."""

    allocate: bool | None = None
    uid_range: NumberRange = (DEFAULT_RANGE.first, DEFAULT_RANGE.last)
    gid_range: NumberRange = (DEFAULT_RANGE.first, DEFAULT_RANGE.last)
    primary_gid: PositiveInt | None = None

    def numbers(self) -> PosixNumbers | None:
        """Return the settings of the allocation; None when there is no table."""
        if not self.model_fields_set:
            return None
        return PosixNumbers(
            Range(*self.uid_range), Range(*self.gid_range), self.primary_gid, allocate=self.allocate is not False
        )
