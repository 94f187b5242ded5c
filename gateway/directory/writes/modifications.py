"""Modifications of the values of one attribute (RFC 4511 §4.6; increment: RFC 4525). Pure; sets of values, compared by the
attribute's equality rule."""

from collections.abc import Sequence
from typing import Final

from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.ldap import matching_rules, schema
from gateway.wire.messages import ADD, DELETE, INCREMENT, REPLACE

_INTEGER: Final = "1.3.6.1.4.1.1466.115.121.1.27"
_IA5: Final = "1.3.6.1.4.1.1466.115.121.1.26"
_OPERATIONS: Final = (ADD, DELETE, REPLACE, INCREMENT)


class Values:
    """The values of one attribute while modifications are carried out, one after the other. Each costs what it names, not what
    the attribute has: there may be 1,000 in a request, and as many values as fit into one. `name`: the attribute as the client
    calls it."""

    def __init__(self, name: str, present: Sequence[bytes]) -> None:
        self._by_key: dict[bytes, bytes] = {}
        for value in present:
            self._by_key.setdefault(_held_key(name, value), value)

    @property
    def present(self) -> list[bytes]:
        """The values as they are now."""
        return list(self._by_key.values())

    def modify(self, name: str, operation: int, values: Sequence[bytes]) -> None:
        """Carry out one modification. Raises WriteRefused."""
        if operation not in _OPERATIONS:
            raise WriteRefused(Violation.PROTOCOL, f"there is no modification {operation}")
        if operation == INCREMENT:
            self._by_key = keyed(name, _incremented(name, self.present, values))
        elif operation == REPLACE:
            self._by_key = keyed(name, values)
        elif operation == ADD:
            self._add(name, keyed(name, values))
        else:
            self._delete(name, keyed(name, values))

    def _add(self, name: str, new: dict[bytes, bytes]) -> None:
        if not new:
            raise WriteRefused(Violation.PROTOCOL, f"no value of {name} is given to add")
        if any(key in self._by_key for key in new):
            raise WriteRefused(Violation.EXISTS, f"{name} has this value already")
        self._by_key |= new

    def _delete(self, name: str, going: dict[bytes, bytes]) -> None:
        if not self._by_key:
            raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, f"the entry has no {name}")
        if any(key not in self._by_key for key in going):
            raise WriteRefused(Violation.NO_SUCH_ATTRIBUTE, f"{name} does not have this value")
        for key in going or tuple(self._by_key):
            del self._by_key[key]


def _held_key(name: str, value: bytes) -> bytes:
    """Return the key of a present value, also of one that does not follow the syntax: sources may have any."""
    key = _key(name, value)
    return b"\0" + value if key is None else key


def keyed(name: str, values: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the values by matching key. Raises WriteRefused for one that does not follow the syntax, or comes twice."""
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
    """Return whether these are the same values, in any order and spelling."""
    return {_key(name, value) for value in one} == {_key(name, value) for value in other}


def _key(name: str, value: bytes) -> bytes | None:
    attribute = schema.canonical(name.partition(";")[0])
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    if known is None or known.equality is None:
        return value
    if not value.strip() and known.equality != "octetStringMatch":  # RFC 4517 §3.3.6: at least one character
        return None
    return matching_rules.equality_key(attribute, value)


def _is_of_its_letters(name: str, value: bytes) -> bool:
    """Return whether a value has the characters of its syntax. Sources may have others than an IA5 string has (RFC 4517
    §3.3.15), which are shown; clients cannot write them."""
    known = schema.ATTRIBUTE_TYPES.get(schema.canonical(name.partition(";")[0]))
    return known is None or known.syntax != _IA5 or value.isascii()


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


def check_options(description: str) -> None:
    """Refuse attribute options (RFC 4512 §2.5.2), which are not kept: `cn;lang-de` is not `cn`. `binary` is no other attribute
    but a way to transfer one. Raises WriteRefused."""
    _, _, options = description.partition(";")
    if options.lower() not in ("", "binary"):
        raise WriteRefused(Violation.UNDEFINED_TYPE, f"no attribute has options here: {description}")
