"""The names under which a delta gives references, and the kinds of records that each may lead to. Pure."""

from collections.abc import Mapping
from typing import Final

from gateway.model.deltas import MEMBERS
from gateway.model.objects import Kind

ORGANIZATIONS: Final = "organizations"
"""The key in `Delta.references` for the organizations of a user, the primary one first."""

PARENT: Final = "parent"
"""The key in `Delta.references` for the organization above an organization."""

PLACE_REFERENCES: Final[Mapping[Kind, str]] = {Kind.USER: ORGANIZATIONS, Kind.ORGANIZATION: PARENT}
"""The reference that places an object of the kind in the tree. Groups are in none."""

ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    MEMBERS: frozenset({Kind.USER.value, Kind.GROUP.value}),
    ORGANIZATIONS: frozenset({Kind.ORGANIZATION.value}),
    PARENT: frozenset({Kind.ORGANIZATION.value}),
}
"""The kinds that these references may lead to; a name that leads to a record of another kind leads nowhere."""

_ANY: Final = frozenset(kind.value for kind in Kind)


def allowed(name: str) -> frozenset[str]:
    """Return the kinds that a reference may lead to; those of attributes (manager) may lead to any."""
    return ALLOWED.get(name, _ANY)
