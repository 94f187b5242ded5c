"""Ranges of values ([MS-ADTS] §3.1.1.3.1.3.3), as views of kind `ad` send them."""

import pytest

from gateway.directory.domain.attribute_options import MAX_RANGE_VALUES
from gateway.directory.search.attribute_selection import RangedRenderer, select
from gateway.wire import entries
from tests.directory.view_shapes import SHAPES


def group(members: int) -> bytes:
    values = [b"CN=%d,CN=Users,DC=x" % number for number in range(members)]
    return entries.encode_entry(b"CN=g,DC=x", [(b"cn", [b"g"]), *([(b"member", values)] if values else [])])


def sent(members: int, *attributes: str) -> dict[str, list[int]]:
    """Which members are sent under which descriptions."""
    renderer = RangedRenderer(select(attributes, False, ranged=True), SHAPES["ad"].stored_attributes)
    name, found = entries.decode_entry(renderer(group(members)))
    assert name == b"CN=g,DC=x"
    numbers = {kind.decode(): [int(value[3:].split(b",")[0]) for value in found[kind]] for kind in found if kind != b"cn"}
    return {kind: [*dict.fromkeys((values[0], values[-1]))] if values else [] for kind, values in numbers.items()}


@pytest.mark.parametrize(
    ("members", "attributes", "expected"),
    [
        (3, ("member",), {"member": [0, 2]}),
        (3, ("member;range=0-*",), {"member;range=0-*": [0, 2]}),
        (3, ("member;range=0-1499",), {"member;range=0-*": [0, 2]}),
        (3, ("MEMBER;Range=0-0",), {"member;range=0-0": [0]}),
        (3, ("member;range=1-2",), {"member;range=1-*": [1, 2]}),
        (3, ("member;range=3-*",), {}),
        (3, ("member;range=2-1",), {}),
        (3, ("member;range=-1",), {}),
        (3, ("member;range=0-9;binary",), {}),
        (0, ("member;range=0-*",), {}),
        (1500, ("member",), {"member": [0, 1499]}),
        (1501, ("member",), {"member": [], "member;range=0-1499": [0, 1499]}),
        (1501, (), {"member": [], "member;range=0-1499": [0, 1499]}),
        (1501, ("*",), {"member": [], "member;range=0-1499": [0, 1499]}),
        (1501, ("member", "member;range=2-3"), {"member;range=2-3": [2, 3]}),
        (1501, ("member;range=1500-2999",), {"member;range=1500-*": [1500]}),
        (4000, ("member;range=0-*",), {"member;range=0-1499": [0, 1499]}),
        (4000, ("member;range=1000-3999",), {"member;range=1000-2499": [1000, 2499]}),
        (4000, ("cn",), {}),
    ],
)
def test_a_range_holds_what_was_asked_for_and_says_what_it_holds(
    members: int, attributes: tuple[str, ...], expected: dict[str, list[int]]
) -> None:
    assert sent(members, *attributes) == expected


@pytest.mark.parametrize("members", [1, 1499, 1500, 1501, 3000, 3001, 4567])
def test_a_client_that_steps_through_the_ranges_gets_every_member_once(members: int) -> None:
    renderer_of = {}
    stepped: list[bytes] = []
    asked = "member;range=0-*"
    while asked:
        renderer_of[asked] = RangedRenderer(select([asked], False, ranged=True), SHAPES["ad"].stored_attributes)
        _, found = entries.decode_entry(renderer_of[asked](group(members)))
        [(description, values)] = found.items()
        assert 0 < len(values) <= MAX_RANGE_VALUES
        stepped += values
        last = description.decode().rpartition("-")[2]
        asked = "" if last == "*" else f"member;range={int(last) + 1}-*"
    assert stepped == entries.values(group(members), b"member")
