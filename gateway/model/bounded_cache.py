"""A cache for pure functions of one text, bounded in number and in size: unauthenticated clients choose many of the texts, and
must not be able to fill the memory with many or with long ones."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

K = TypeVar("K", str, bytes)
V = TypeVar("V")

MAX_LENGTH: Final = 1_000
"""Characters or octets: no name that a program sends repeatedly is longer; the results for longer ones are not kept."""


def cached(max_entries: int) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """Decorate a function of one text: keep the results for the `max_entries` texts that were used last."""

    def decorate(function: Callable[[K], V]) -> Callable[[K], V]:
        known = lru_cache(maxsize=max_entries)(function)

        @wraps(function)
        def cached_function(text: K) -> V:
            return known(text) if len(text) <= MAX_LENGTH else function(text)

        return cached_function

    return decorate
