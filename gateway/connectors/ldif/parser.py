"""The parser of LDIF content records (RFC 2849), from lines of octets. Pure; every error is an InvalidSourceData with file and
line.

    ldif-content-record  = dn-spec SEP 1*attrval-spec
    dn-spec              = "dn:" (FILL distinguishedName / ":" FILL base64-distinguishedName)
    attrval-spec         = AttributeDescription value-spec SEP
    value-spec           = ":" (FILL 0*1(SAFE-STRING) / ":" FILL (BASE64-STRING) / "<" FILL url)

Beyond the RFC it accepts a missing version line, UTF-8 that is not in base64, and a byte order mark. A change record that adds
(changetype: add) is a whole entry. It refuses other change records, which are not a directory's content, and URLs, which would
let a file name other files."""

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.model.errors import InvalidSourceData
from gateway.model.ldap import dn as names

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CHANGE_RECORD: Final = "the file must hold whole entries (slapcat, ldapsearch); this is a change record"
_ATTRIBUTE_DESCRIPTION: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.;_-]*")  # with the underscore that some schemas have


@dataclass(frozen=True, slots=True)
class LdifRecord:
    """One entry. `line`: that of its dn. `attributes` has each description once, as first spelled."""

    line: int
    dn: str
    attributes: list[tuple[str, list[bytes]]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Value:
    line: int
    name: bytes
    octets: bytes


def records(lines: Iterable[bytes], path: str) -> Iterator[LdifRecord]:
    """Yield the records in `lines`, which still have their line ends. `path`: for error messages. Raises InvalidSourceData."""
    block: list[_Value] = []
    is_start = True
    for number, line in _unfolded(lines, path):
        if line:
            block.append(_value(line, path, number))
            continue
        if block and is_start:
            block = _without_version(block, path)
            is_start = False
        if block:
            yield _record(block, path)
        block = []


def complaint(path: str, line: int, what: str) -> InvalidSourceData:
    """Return the error for a fault in this line."""
    return InvalidSourceData(f"{path}, line {line}: {what}")


def _unfolded(lines: Iterable[bytes], path: str) -> Iterator[tuple[int, bytes]]:
    """Yield logical lines with the number of their first physical line, without comments. An empty one ends a record."""
    pending: list[bytes] = []
    first = number = 0
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r\n")
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.startswith(b" "):
            if not pending:
                raise complaint(path, number, "a continued line (it begins with a space) has nothing before it")
            pending.append(line[1:])
            continue
        if pending and not pending[0].startswith(b"#"):
            yield first, b"".join(pending)
        if not line:
            yield number, b""
        first, pending = number, [line] if line else []
    if pending and not pending[0].startswith(b"#"):
        yield first, b"".join(pending)
    yield number + 1, b""


def _value(line: bytes, path: str, number: int) -> _Value:
    if line == b"-":  # between the modifications of one entry
        raise complaint(path, number, _CHANGE_RECORD)
    name, colon, rest = line.partition(b":")
    if b"\0" in name:
        raise complaint(
            path, number, 'zero bytes: this looks like UTF-16; set encoding ("utf-16-le"), or write the file as UTF-8'
        )
    if not colon or not _ATTRIBUTE_DESCRIPTION.fullmatch(name):
        raise complaint(path, number, "this is not `attribute: value`; a value's further lines begin with one space")
    if rest.startswith(b"<"):
        raise complaint(path, number, f"{name.decode()} names a URL; put the value itself here, in base64 after `::`")
    if not rest.startswith(b":"):
        return _Value(number, name, rest.lstrip(b" "))
    try:
        return _Value(number, name, binascii.a2b_base64(rest[1:].strip(b" "), strict_mode=True))
    except binascii.Error as error:
        raise complaint(path, number, f"the value of {name.decode()} is not base64 ({error})") from None


def _without_version(block: list[_Value], path: str) -> list[_Value]:
    first = block[0]
    if first.name.lower() != b"version":
        return block
    if first.octets.strip() != b"1":
        raise complaint(path, first.line, "only version 1 of LDIF is known (RFC 2849)")
    return block[1:]


def _record(block: list[_Value], path: str) -> LdifRecord:
    first, *rest = block
    if first.name.lower() != b"dn":
        what = f"a record must begin with dn:, not with {first.name.decode()}: (ldapsearch writes clean LDIF with -LLL)"
        raise complaint(path, first.line, what)
    attributes: dict[str, tuple[str, list[bytes]]] = {}
    for value in rest:
        if _is_changetype(value, path):
            continue
        if value.name.lower() == b"dn":
            raise complaint(path, value.line, "a second dn: in one record; an empty line must separate records")
        name = value.name.decode()
        attributes.setdefault(name.lower(), (name, []))[1].append(value.octets)
    return LdifRecord(first.line, _distinguished_name(first, path), list(attributes.values()))


def _is_changetype(value: _Value, path: str) -> bool:
    """Return True for the line that marks a record as one that adds. Raises InvalidSourceData for other changes, and for
    controls, which ask a server for something."""
    name = value.name.lower()
    if name not in (b"changetype", b"control"):
        return False
    kind = value.octets.strip().lower() if name == b"changetype" else name
    if kind != b"add":
        raise complaint(path, value.line, f"{_CHANGE_RECORD} ({kind.decode('ascii', 'replace')})")
    return True


def _distinguished_name(value: _Value, path: str) -> str:
    try:
        text = value.octets.decode()
        names.key(text)
    except UnicodeDecodeError:
        raise complaint(path, value.line, "the dn is not UTF-8") from None
    except names.InvalidDN as error:
        raise complaint(path, value.line, str(error)) from None
    return text
