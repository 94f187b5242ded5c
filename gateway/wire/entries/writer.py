"""The writer of encoded search result entries: a hot path of the view. ASN.1 in gateway.wire.entries.

Octets in, octets out: attribute descriptions and DNs are given encoded.
"""

from collections.abc import Iterable, Sequence

from gateway.wire import ber

SHORT_ENTRY = tuple(bytes((0x64, n)) for n in range(0x80))
SHORT_SEQUENCE = tuple(bytes((ber.SEQUENCE, n)) for n in range(0x80))
_SHORT_SET = tuple(bytes((ber.SET, n)) for n in range(0x80))
_OCTETS = ber.SHORT_OCTETS


def encode_entry(object_name: bytes, attributes: Iterable[tuple[bytes, Sequence[bytes]]]) -> bytes:
    """The entry with this DN and these attributes, in the order given."""
    parts = [encode_attribute(attribute_type, values) for attribute_type, values in attributes]
    return enclose(ber.octets(object_name), parts)


def encode_attribute(attribute_type: bytes, values: Sequence[bytes]) -> bytes:
    """One PartialAttribute."""
    if len(values) == 1:
        value = values[0]
        size = len(value)
        content = _OCTETS[size] + value if size < 0x80 else ber.octets(value)
    else:
        content = b"".join([_OCTETS[len(v)] + v if len(v) < 0x80 else ber.octets(v) for v in values])
    size = len(content)
    name_size = len(attribute_type)
    if name_size + size < 0x7C:
        name = _OCTETS[name_size] + attribute_type
        return SHORT_SEQUENCE[name_size + size + 4] + name + _SHORT_SET[size] + content
    return ber.tlv(ber.SEQUENCE, ber.octets(attribute_type), ber.tlv(ber.SET, content))


def enclose(object_name: bytes, attributes: list[bytes]) -> bytes:
    """The entry around an encoded DN and encoded PartialAttributes."""
    content = b"".join(attributes)
    size = len(content)
    head = SHORT_SEQUENCE[size] if size < 0x80 else b"\x30" + ber.length(size)
    size += len(head) + len(object_name)
    return (SHORT_ENTRY[size] if size < 0x80 else b"\x64" + ber.length(size)) + object_name + head + content
