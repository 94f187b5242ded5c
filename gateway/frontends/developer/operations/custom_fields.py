"""Custom fields as they are written: each entry sets, adds or removes one value of an attribute for which a user's record has
no field. Pure."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from gateway.frontends.developer.records.json_records import OWN_FIELDS
from gateway.model.attributes import NAMING_ATTRIBUTE, USER_ATTRIBUTES, reference_to
from gateway.model.errors import InvalidInput
from gateway.model.objects import Attributes, Kind, Value

MAX_FIELDS: Final = 256
"""Entries in one request."""

MAX_VALUE_CHARACTERS: Final = 4_096

REFERENCES: Final = frozenset({"manager", "secretary", "see_also"})
"""The fields whose values are ids of objects."""

_GIVEN_HERE: Final = frozenset({"uid_number", "gid_number"})
"""The fields by which machines know a person: whoever chooses them is anybody there, also root."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class NewField(Struct, rename="camel"):
    """An entry of a user that is made."""

    field_name: str
    field_value: Annotated[str, Meta(max_length=MAX_VALUE_CHARACTERS)]


class FieldChange(Struct, rename="camel"):
    """An entry of a change. `operator`: the older name of `operation`; without both it replaces."""

    field_name: str
    field_value: Annotated[str, Meta(max_length=MAX_VALUE_CHARACTERS)] | None = None
    operation: Literal["add", "replace", "remove"] | None = None
    operator: Literal["add", "replace", "remove"] | None = None


def given(fields: Sequence[NewField]) -> Attributes:
    """Return the attributes that the entries give; several entries of one name are several values. Raises InvalidInput."""
    return changed({}, [FieldChange(one.field_name, one.field_value, "add") for one in fields])


def changed(present: Attributes, fields: Sequence[FieldChange]) -> Attributes:
    """Return the attributes that the entries change, carried out in order on the present ones. The first `replace` of a name
    takes the place of all its values, those that follow join it. Raises InvalidInput."""
    values: dict[str, list[Value]] = {}
    replaced: set[str] = set()
    for field in fields:
        name = _attribute(field.field_name)
        kept = values.setdefault(name, list(present.get(name, ())))
        operation = field.operation or field.operator or "replace"
        if operation == "remove":
            values[name] = [] if not field.field_value else [one for one in kept if one != field.field_value]
            continue
        if operation == "replace" and name not in replaced:
            replaced.add(name)
            kept.clear()
        if field.field_value and field.field_value not in kept:
            kept.append(field.field_value)
    return {name: tuple(kept) for name, kept in values.items()}


def _attribute(name: str) -> str:
    """Return our attribute's name for a field. Raises InvalidInput."""
    definition = USER_ATTRIBUTES.get(name)
    if name in OWN_FIELDS or name == NAMING_ATTRIBUTE[Kind.USER]:
        raise InvalidInput(f"customFields: {name} has a field of its own in the record.")
    if _NAME.fullmatch(name) is None:
        raise InvalidInput("customFields: fieldName is lower case letters, digits and underscores, 64 at most.")
    if name in _GIVEN_HERE:
        raise InvalidInput(f"customFields: {name} is given by the gateway or a source: an application cannot choose it.")
    if definition is not None and definition.binary:
        raise InvalidInput(f"customFields: {name} is binary and cannot be written here.")
    return reference_to(name) if name in REFERENCES else name
