"""Ambiguous name resolution ([MS-ADTS] §3.1.1.3.1.3.4): `(anr=Anna Sm)` finds people and groups by the beginnings of the names
that they are known by. Pure: the filter becomes one without it, so that nothing else has to know of it."""

from collections.abc import Callable
from typing import Final

from gateway.wire import filters
from gateway.wire.filters import Filter

ATTRIBUTE: Final = "anr"
_OID: Final = "1.2.840.113556.1.4.1208"

NAMES: Final = ("displayName", "givenName", "name", "proxyAddresses", "sAMAccountName", "sn", "mail")
"""The attributes that are looked at, as far as a view has them: the set of Windows Server, and mail, as Exchange makes it."""


MAX_ASSERTIONS: Final = 20
"""Assertions about `anr` in one filter: each becomes a dozen terms, and a filter has 500 at the most. Programs send one."""


class TooManyNames(ValueError):
    """There are more than MAX_ASSERTIONS assertions about `anr`."""

    def __init__(self) -> None:
        super().__init__(f"a filter may have {MAX_ASSERTIONS} assertions about {ATTRIBUTE}; search in several steps")


def resolved(item: Filter) -> Filter:
    """Return the filter with each assertion about `anr` written out; the same filter when there is none. Raises
    TooManyNames."""
    if _count(item) > MAX_ASSERTIONS:
        raise TooManyNames
    return _expanded(item)


def _count(item: Filter) -> int:
    if isinstance(item, filters.And | filters.Or):
        return sum(map(_count, item.filters))
    return _count(item.filter) if isinstance(item, filters.Not) else int(_is_ambiguous(item))


def _is_ambiguous(item: Filter) -> bool:
    return isinstance(item, _ASSERTIONS) and item.attribute.lower() in (ATTRIBUTE, _OID)


_ASSERTIONS = (filters.Equality, filters.Approx, filters.Substrings)


def _expanded(item: Filter) -> Filter:
    if isinstance(item, filters.And | filters.Or):
        parts = tuple(map(_expanded, item.filters))
        return item if all(one is other for one, other in zip(parts, item.filters, strict=True)) else type(item)(parts)
    if isinstance(item, filters.Not):
        part = _expanded(item.filter)
        return item if part is item.filter else filters.Not(part)
    return _written_out(item) if isinstance(item, _ASSERTIONS) and _is_ambiguous(item) else item


def _written_out(item: filters.Equality | filters.Approx | filters.Substrings) -> Filter:
    """Return what the assertion stands for: nothing, for pieces that are not the beginning of a name."""
    if isinstance(item, filters.Substrings):
        value = item.initial or b""
        if item.any or item.final:
            return filters.Or(())
    else:
        value = item.value
    value = value.strip()
    if value.startswith(b"="):  # exactly, not as a beginning
        return _named(value[1:].strip(), filters.Equality)
    if not value:
        return filters.Or(())
    first, _, rest = value.partition(b" ")
    if not rest.strip():
        return _named(value, _begins)
    both = (_full_name(first, rest.strip()), _full_name(rest.strip(), first))
    return filters.Or((*_each(value, _begins), *both))


def _named(value: bytes, assertion: Callable[[str, bytes], Filter]) -> Filter:
    return filters.Or(tuple(_each(value, assertion))) if value else filters.Or(())


def _each(value: bytes, assertion: Callable[[str, bytes], Filter]) -> list[Filter]:
    return [assertion(name, value) for name in NAMES]


def _begins(attribute: str, value: bytes) -> Filter:
    return filters.Substrings(attribute, value, (), None)


def _full_name(given: bytes, family: bytes) -> Filter:
    return filters.And((_begins("givenName", given), _begins("sn", family)))
