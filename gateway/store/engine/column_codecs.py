"""Column codecs: times are stored as milliseconds, attributes and lists as JSON. Bytes survive JSON as {"base64": "…"}."""

import base64
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from gateway.model.objects import Attributes, Value


class Binary(msgspec.Struct, frozen=True):
    """A value that is bytes, in JSON."""

    base64: bytes


_encoder = msgspec.json.Encoder()
_attributes = msgspec.json.Decoder(dict[str, tuple[str | Binary, ...]])
_strings = msgspec.json.Decoder(tuple[str, ...])
_BINARY_MARK = '{"base64":'


def milliseconds(time: datetime) -> int:
    """Return an aware time as a column stores it."""
    return round(time.timestamp() * 1000)


def time_of(stamp: int) -> datetime:
    """Return the aware time of a column."""
    return datetime.fromtimestamp(stamp / 1000, UTC)


def optional_time_of(stamp: int | None) -> datetime | None:
    """Return the aware time of a column that may be empty."""
    return None if stamp is None else time_of(stamp)


def encode_attributes(attributes: Attributes) -> str:
    """Return attributes as JSON; their order is kept."""
    for values in attributes.values():
        for value in values:
            if type(value) is bytes:
                return _encoder.encode(_marked(attributes)).decode()
    return _encoder.encode(attributes).decode()


def decode_attributes(document: str) -> dict[str, tuple[Value, ...]]:
    """Return the attributes that `encode_attributes` wrote."""
    decoded = _attributes.decode(document)
    if _BINARY_MARK not in document:
        return decoded  # type: ignore[return-value]  # without the mark there is no Binary in it
    return {name: tuple(_unmarked(value) for value in values) for name, values in decoded.items()}


def encode_strings(strings: Collection[str]) -> str:
    """Return strings as a JSON list."""
    return _encoder.encode(tuple(strings)).decode()


def decode_strings(document: str) -> tuple[str, ...]:
    """Return the strings that `encode_strings` wrote."""
    return _strings.decode(document)


def chunks(items: Iterable[str], size: int) -> Iterable[list[str]]:
    """Yield the items in lists of at most `size`."""
    chunk: list[str] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _marked(attributes: Attributes) -> Mapping[str, list[str | dict[str, str]]]:
    return {
        name: [{"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value for value in values]
        for name, values in attributes.items()
    }


def _unmarked(value: str | Binary) -> Value:
    return value.base64 if isinstance(value, Binary) else value
