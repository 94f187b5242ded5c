"""Request, Answer and Stream: the plain values that a handler is given and gives back.

Reading a request's parts by a msgspec type is the only validation there is; its complaints name the field."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from gateway.frontends.http.field_complaints import complaint
from gateway.model.errors import InvalidInput

T = TypeVar("T")

JSON = "application/json"
NDJSON = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"

MAX_PARAMETERS = 64
"""Parameters in a query string or a form; the longest operation has thirteen."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, complete. `arguments` are the variable parts of its path, `headers` has lower-case names.

    Query, headers and body may hold secrets and are never printed.
    """

    id: str
    method: str
    path: str
    peer: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    query_string: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> str:
        """The media type of the body without its parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def query(self) -> dict[str, str]:
        """Return the query's parameters. Raises InvalidInput when one is given twice or is not UTF-8."""
        return parameters(self.query_string, "query")

    def form(self) -> dict[str, str]:
        """Return the form body's parameters; empty when the body is not a form."""
        if self.content_type != FORM:
            return {}
        return parameters(_text(self.body), "form")

    def query_as(self, shape: type[T]) -> T:
        """Return the query's parameters as `shape` (a Struct), text turned into numbers where it asks for numbers. Raises
        InvalidInput for one that it has not: a filter that is passed over would be answered with everything."""
        given = self.query()
        known = [one.encode_name for one in msgspec.structs.fields(shape)]  # type: ignore[arg-type]
        unknown = next((name for name in given if name not in known), None)
        if unknown is not None:
            near = get_close_matches(unknown.lower(), {name.lower(): name for name in known}, 1)
            cure = next((f"; did you mean {name}?" for name in known if near and name.lower() == near[0]), "")
            raise InvalidInput(f"{unknown[:64]}: no such parameter here{cure or '.'}")
        try:
            return msgspec.convert(given, shape, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidInput(complaint(error, shape)) from None

    def json_as(self, shape: type[T]) -> T:
        """Return the JSON body as `shape`. Raises InvalidInput naming the field, or the place where the JSON breaks."""
        if not self.body:
            raise InvalidInput("The body is empty; a JSON object is expected.")
        if b"\\u0000" in self.body:
            raise InvalidInput("The body holds the character NUL.")
        try:
            return msgspec.json.decode(self.body, type=shape)
        except msgspec.ValidationError as error:
            raise InvalidInput(complaint(error, shape)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"The body is not JSON: {error}.") from None
        except RecursionError:
            raise InvalidInput("The body is nested too deeply.") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """A response whose body is made while it is sent: `chunks` is asked for the next one only when the client has read."""

    chunks: AsyncIterator[bytes]
    content_type: str = NDJSON
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return `value` as a JSON answer."""
    return Answer(status, json_body(value), JSON, headers or {})


def json_body(value: object) -> bytes:
    """Return `value` as JSON; the same value gives the same octets."""
    return _ENCODER.encode(value)


def lines(values: Iterable[object]) -> bytes:
    """Return `values` as NDJSON."""
    return _ENCODER.encode_lines(values)


def parameters(text: str, place: str) -> dict[str, str]:
    """Parse `text` (RFC 1866 form encoding). RFC 6749 §3.1: no parameter may come twice; we hold all to it."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise InvalidInput(f"The {place} is not UTF-8.") from None
    except ValueError:
        raise InvalidInput(f"The {place} has more than {MAX_PARAMETERS} parameters.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidInput(f"{name[:64]}: given twice in the {place}.")
        found[name] = without_nul(name, value)
    return found


def without_nul(name: str, value: str) -> str:
    """Return `value`. Raises InvalidInput when it holds NUL, which not every database accepts as a parameter."""
    if "\x00" in value:
        raise InvalidInput(f"{name[:64]}: holds the character NUL.")
    return value


_ENCODER = msgspec.json.Encoder()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidInput("The form is not UTF-8.") from None
