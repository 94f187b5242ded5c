"""What a modification makes of the values of one attribute (RFC 4511 §4.6; increment: RFC 4525). Pure; sets of values, compared
by the attribute's equality rule."""

from collections.abc import Sequence
from typing import Final

from gateway.directory.violations import Violation, WriteRefused
from gateway.model import matching, schema
from gateway.wire.messages import ADD, DELETE, INCREMENT, REPLACE

_INTEGER: Final = "1.3.6.1.4.1.1466.115.121.1.27"
_IA5: Final = "1.3.6.1.4.1.1466.115.121.1.26"
_OPERATIONS: Final = (ADD, DELETE, REPLACE, INCREMENT)


def modified(name: str, present: Sequence[bytes], operation: int, values: Sequence[bytes]) -> list[bytes]:
    """The values afterwards. `name`: the attribute as the client calls it. Raises WriteRefused."""
    if operation not in _OPERATIONS:
        raise WriteRefused(Violation.PROTOCOL, f"there is no modification {operation}")
    if operation == INCREMENT:
        return _incremented(name, present, values)
    keys = keyed(name, values)
    if operation == REPLACE:
        return list(keys.values())
    if operation == ADD:
        return _added(name, present, keys)
    return _deleted(name, present, keys)


def keyed(name: str, values: Sequence[bytes]) -> dict[bytes, bytes]:
    """The values by matching key. Raises WriteRefused for one that does not follow the syntax, or comes twice."""
    found: dict[bytes, bytes] = {}
    for value in values:
        key = _key(name, value)
        if key is None or not _is_of_its_letters(name, value):
            raise WriteRefused(Violation.SYNTAX, f"a value of {name} does not follow the attribute's syntax")
        if key in found:
            raise WriteRefused(Violation.EXISTS, f"a value of {name} is given twice")
        found[key] = value
    return found


def same(name: str, one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether these are the same values, in whatever order and spelling."""
    return {_key(name, value) for value in one} == {_key(name, value) for value in other}


def _key(name: str, value: bytes) -> bytes | None:
    attribute = schema.canonical(name.partition(";")[0])
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    if known is None or known.equality is None:
        return value
    if not value.strip() and known.equality != "octetStringMatch":  # RFC 4517 §3.3.6: at least one character
        return None
    return matching.equality_key(attribute, value)


def _is_of_its_letters(name: str, value: bytes) -> bool:
    """Sources may tell other letters than an IA5 string has (RFC 4517 §3.3.15), and are shown; here nobody writes them."""
    known = schema.ATTRIBUTE_TYPES.get(schema.canonical(name.partition(";")[0]))
    return known is None or known.syntax != _IA5 or value.isascii()


def _added(name: str, present: Sequence[bytes], new: dict[bytes, bytes]) -> list[bytes]:
    if not new:
        raise WriteRefused(Violation.PROTOCOL, f"no value of {name} is given to add")
    known = {_key(name, value) for value in present}
    if known & new.keys():
        raise WriteRefused(Violation.EXISTS, f"{name} has this value already")
    return [*present, *new.values()]


def _deleted(name: str, present: Sequence[bytes], going: dict[bytes, bytes]) -> list[bytes]:
    if not present:
        raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, f"the entry has no {name}")
    known = {_key(name, value) for value in present}
    if not going.keys() <= known:
        raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, f"{name} does not have this value")
    return [value for value in present if going and _key(name, value) not in going]


def _incremented(name: str, present: Sequence[bytes], values: Sequence[bytes]) -> list[bytes]:
    known = schema.ATTRIBUTE_TYPES.get(schema.canonical(name.partition(";")[0]))
    if known is None or known.syntax != _INTEGER:
        raise WriteRefused(Violation.CONSTRAINT, f"{name} is no number, so it cannot be incremented")
    if len(values) != 1:
        raise WriteRefused(Violation.PROTOCOL, f"{name} is incremented by one value")
    if not present:
        raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, f"the entry has no {name}")
    if any(_key(name, value) is None for value in (*values, *present)):
        raise WriteRefused(Violation.SYNTAX, f"a value of {name} does not follow the attribute's syntax")
    return [b"%d" % (int(value) + int(values[0])) for value in present]
