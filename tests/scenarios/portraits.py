"""A portrait of a directory: its people, units and groups. Drawn from the upstream, over LDAP and over HTTP by what each face
shows alone; equal portraits mean that what is served is what the upstream says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import ldap
import ldap.dn

Attributes = Mapping[str, Sequence[str]]
Path = tuple[str, ...]
"""An organizational unit: the names from the top down; () is the root."""


class Person(NamedTuple):
    """What the portraits compare of a person. `unit`: the name of the nearest one, "" for the root."""

    mail: tuple[str, ...]
    title: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class Portrait:
    """`people` by uid; `units` by path; `groups`: the names of direct members by group name; `memberships`: (person, group) as
    it is told of the person."""

    people: dict[str, Person]
    units: frozenset[Path]
    groups: dict[str, frozenset[str]]
    memberships: frozenset[tuple[str, str]]


def of_upstream(connection: Any, suffix: str) -> Portrait:
    """By python-ldap. An entry of the upstream belongs to the nearest unit above; members that do not exist do not count."""
    top = _rdns(f"ou=people,{suffix}")
    people = _entries(connection, f"ou=people,{suffix}", "(objectClass=inetOrgPerson)")
    groups = _entries(connection, f"ou=groups,{suffix}", "(objectClass=groupOfNames)")
    units = [_rdns(dn) for dn, _ in _entries(connection, f"ou=people,{suffix}", "(objectClass=organizationalUnit)")]
    names = {_rdns(dn): found["uid"][0] for dn, found in people} | {_rdns(dn): found["cn"][0] for dn, found in groups}
    members = {found["cn"][0]: _named(names, found.get("member", ())) for _, found in groups}
    return Portrait(
        {found["uid"][0]: _person(found, _nearest(_rdns(dn), units, top)) for dn, found in people},
        frozenset(_path(unit, top) for unit in units if unit != top),
        members,
        frozenset((found["uid"][0], group) for _, found in people for group in members if found["uid"][0] in members[group]),
    )


def over_ldap(connection: Any, base: str) -> Portrait:
    """From one subtree search of the gateway. It is no snapshot: while something changes, a person may already be in a group
    that was listed under its old name."""
    found = _entries(connection, base, "(objectClass=*)", "*", "memberOf")
    inside = {kind: _rdns(f"ou={kind},{base}") for kind in ("people", "groups", "organizations")}
    people, groups, units = (
        {_rdns(dn): attributes for dn, attributes in found if _rdns(dn)[1:][-len(top) :] == top} for top in inside.values()
    )
    names = {rdns: each["uid"][0] for rdns, each in people.items()} | {rdns: each["cn"][0] for rdns, each in groups.items()}
    return Portrait(
        {each["uid"][0]: _person(each, each.get("ou", [""])[0]) for each in people.values()},
        frozenset(_path(rdns, inside["organizations"]) for rdns in units),
        {each["cn"][0]: _named(names, each.get("member", ())) for each in groups.values()},
        frozenset(
            (each["uid"][0], names.get(_rdns(group), group)) for each in people.values() for group in each.get("memberOf", ())
        ),
    )


def over_http(export: str) -> Portrait:
    """From the NDJSON of GET /export, without who is disabled: leavers are, and nobody else here. It is no snapshot: while
    something changes, it may contradict itself."""
    lines = [json.loads(line) for line in export.splitlines()]
    assert "nextToken" in lines[-1], "the export is not complete"
    of_kind: dict[str, list[dict[str, Any]]] = {"user": [], "organization": [], "group": []}
    for line in lines[:-1]:
        of_kind[line["kind"]].append(line)
    units = {line["object"]["organizationalUnitId"]: line["object"] for line in of_kind["organization"]}
    people = {line["object"]["userId"]: line["object"] for line in of_kind["user"] if line["object"]["status"] == "enabled"}
    names = {user_id: user["username"] for user_id, user in people.items()}
    names |= {line["object"]["groupId"]: line["object"]["groupName"] for line in of_kind["group"]}
    return Portrait(
        {user["username"]: _user(user, units) for user in people.values()},
        frozenset(path for unit_id in units if (path := _unit_path(units, unit_id))),
        {
            line["object"]["groupName"]: frozenset(names.get(member["id"], member["id"]) for member in line["members"])
            for line in of_kind["group"]
        },
        frozenset(
            (people[line["object"]["userId"]]["username"], names[group_id])
            for line in of_kind["user"]
            for group_id in line["groupIds"]
            if line["object"]["userId"] in people
        ),
    )


def _user(user: dict[str, Any], units: Mapping[str, dict[str, Any]]) -> Person:
    titles = tuple(each["fieldValue"] for each in user["customFields"] if each["fieldName"] == "title")
    path = _unit_path(units, user["primaryOrganizationalUnitId"]) or ("",)
    return Person((user["email"],) if "email" in user else (), titles, path[-1])


def _unit_path(units: Mapping[str, dict[str, Any]], unit_id: str) -> Path:
    unit = units.get(unit_id, {})
    return (*_unit_path(units, unit["parentId"]), unit["organizationalUnitName"]) if "parentId" in unit else ()


def _entries(connection: Any, base: str, filter_text: str, *attributes: str) -> list[tuple[str, Attributes]]:
    found = connection.search_s(base, ldap.SCOPE_SUBTREE, filter_text, list(attributes) or None)
    return [(dn, {name: [value.decode() for value in values] for name, values in each.items()}) for dn, each in found]


def _rdns(dn: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in ldap.dn.explode_dn(dn))


def _person(attributes: Attributes, unit: str) -> Person:
    return Person(tuple(attributes.get("mail", ())), tuple(attributes.get("title", ())), unit)


def _nearest(rdns: tuple[str, ...], units: Sequence[tuple[str, ...]], top: tuple[str, ...]) -> str:
    above = [unit for unit in units if unit != top and rdns[-len(unit) :] == unit]
    return max(above, key=len)[0].partition("=")[2] if above else ""


def _path(rdns: tuple[str, ...], top: tuple[str, ...]) -> Path:
    return tuple(rdn.partition("=")[2] for rdn in reversed(rdns[: -len(top)]))


def _named(names: Mapping[tuple[str, ...], str], members: Sequence[str]) -> frozenset[str]:
    return frozenset(names[_rdns(member)] for member in members if _rdns(member) in names)
