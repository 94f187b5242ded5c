"""The complaint about a query or a body that is not of its shape: which field, and what is allowed there, in the API's words.

No value is repeated: it may be a password."""

import re
from collections.abc import Sequence

import msgspec
from msgspec import inspect
from msgspec.inspect import Type

_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.+?)`(?: - at `|$)", re.DOTALL)
_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[[^\]]*\]")

LONGEST_NAME = 64  # a complaint is one line


def complaint(error: msgspec.ValidationError, shape: type) -> str:
    """Return the sentence: "pageSize: must be a whole number from 1 to 100." `shape`: what was asked for."""
    text = str(error)
    at = _PLACE.search(text)
    place = at["place"].removeprefix(".") if at else ""
    for pattern, sentence in ((_MISSING, "is missing"), (_UNKNOWN, "no such field here")):
        if found := pattern.match(text):
            return f"{'.'.join(filter(None, (place, found['field'][:LONGEST_NAME])))}: {sentence}."
    steps = [step[1] for step in _STEP.finditer(at["place"])] if at else []
    return f"{place or 'body'}: must be {_allowed(_type_at(inspect.type_info(shape), steps))}."


def _type_at(kind: Type, steps: Sequence[str | None]) -> Type:
    """Return the type at the end of the steps: names of fields, None for an item of a list or a value of a map."""
    for step in steps:
        for one in _alternatives(kind):
            if isinstance(one, inspect.StructType) and step:
                kind = next((field.type for field in one.fields if field.encode_name == step), kind)
            elif isinstance(one, inspect.ListType):
                kind = one.item_type
            elif isinstance(one, inspect.DictType):
                kind = one.value_type
    return kind


def _alternatives(kind: Type) -> Sequence[Type]:
    """Return the types that a value may have; that a field may be left out as null goes without saying."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [one for one in kinds if not isinstance(one, inspect.NoneType)]


def _allowed(kind: Type) -> str:
    return " or ".join(_one_allowed(one) for one in _alternatives(kind))


def _one_allowed(kind: Type) -> str:
    match kind:
        case inspect.IntType():
            return f"a whole number{_range(kind.ge, kind.le)}"
        case inspect.FloatType():
            return f"a number{_range(kind.ge, kind.le)}"
        case inspect.StrType():
            length = _range(kind.min_length, kind.max_length)
            return f"text of {length.removeprefix(' ').removeprefix('from ')} characters" if length else "text"
        case inspect.BoolType():
            return "true or false"
        case inspect.EnumType():
            return f"one of {', '.join(str(member.value) for member in kind.cls)}"
        case inspect.LiteralType():
            return f"one of {', '.join(str(value) for value in kind.values)}"
        case inspect.ListType():
            return "a list"
        case inspect.StructType() | inspect.DictType():
            return "a JSON object"
        case _:
            return f"a {type(kind).__name__.removesuffix('Type').lower()}"


def _range(least: float | None, most: float | None) -> str:
    """Return " from 1 to 100", or as much of it as there is."""
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" from {least} on" if least is not None else f" up to {most}" if most is not None else ""
