"""Complaints about queries and bodies: the field, and what is allowed, in words that a user of the API knows."""

from enum import StrEnum
from typing import Annotated

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.frontends.http.request import Request
from gateway.model.errors import InvalidInput


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct, rename="camel"):
    full_name: Annotated[str, Meta(max_length=5)]


class Shape(Struct, rename="camel", forbid_unknown_fields=True):
    page_size: Annotated[int, Meta(ge=1, le=100)] | None = None
    colour: Colour | None = None
    settled: bool = False
    share: float = 0.0
    names: list[str] = msgspec.field(default_factory=list)
    inner: Inner | UnsetType = UNSET
    rooms: dict[str, int] = msgspec.field(default_factory=dict)


def refused(request: Request, *, query: bool = False) -> str:
    with pytest.raises(InvalidInput) as raised:
        request.query_as(Shape) if query else request.json_as(Shape)
    return str(raised.value)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("pageSize=abc", "pageSize: must be a whole number from 1 to 100."),
        ("pageSize=", "pageSize: must be a whole number from 1 to 100."),
        ("pageSize=0", "pageSize: must be a whole number from 1 to 100."),
        ("pageSize=1e400", "pageSize: must be a whole number from 1 to 100."),
        ("colour=hunter2", "colour: must be one of red, blue."),
        ("settled=maybe", "settled: must be true or false."),
        ("share=half", "share: must be a number."),
    ],
)
def test_a_wrong_parameter_is_told_what_is_allowed(query: str, says: str) -> None:
    assert refused(Request("1", "GET", "/", "", query_string=query), query=True) == says


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[]", "body: must be a JSON object."),
        ('{"pageSize": "hunter2"}', "pageSize: must be a whole number from 1 to 100."),
        ('{"names": "x"}', "names: must be a list."),
        ('{"names": ["x", 1]}', "names[1]: must be text."),
        ('{"inner": 1}', "inner: must be a JSON object."),
        ('{"inner": {}}', "inner.fullName: is missing."),
        ('{"inner": {"fullName": "hunter2"}}', "inner.fullName: must be text of up to 5 characters."),
        ('{"rooms": {"a": "x"}}', "rooms[...]: must be a whole number."),
        ('{"other": 1}', "other: no such field here."),
    ],
)
def test_a_wrong_field_is_told_what_is_allowed(body: str, says: str) -> None:
    assert refused(Request("1", "POST", "/", "", body=body.encode())) == says
