"""Answers of pure functions that are remembered within bounds of number and of size: what strangers make up must not fill our
memory, however many of it they send and however long it is."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

K = TypeVar("K", str, bytes)
V = TypeVar("V")

LONGEST: Final = 1_000
"""Characters or octets: no name that a program sends again and again is longer; what is longer is worked out each time."""


def remembered(most: int) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """For a function of one text: the answers to the `most` that were asked for last are kept."""

    def decorate(function: Callable[[K], V]) -> Callable[[K], V]:
        known = lru_cache(maxsize=most)(function)

        @wraps(function)
        def answer(text: K) -> V:
            return known(text) if len(text) <= LONGEST else function(text)

        return answer

    return decorate
