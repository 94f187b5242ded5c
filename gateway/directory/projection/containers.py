"""The entries that a view itself brings: their object classes and attributes, by their names. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import NAMESPACE_OID, uuid5

from gateway.directory.projection import active_directory
from gateway.model.ldap import schema
from gateway.model.ldap.dn import AVA, DN

_Values: TypeAlias = tuple[tuple[str, Sequence[bytes]], ...]


@dataclass(frozen=True, slots=True)
class Description:
    """The classes and attributes of a container. `structural`: the structural one of the classes."""

    object_classes: tuple[str, ...]
    structural: str
    attributes: _Values


def by_name(name: DN, _base: DN, _created: datetime) -> Description:
    """Describe a container of a directory of inetOrgPersons; a name that no class fits is an organizationalRole."""
    avas = name.rdns[0].avas if name.rdns else ()
    first = schema.canonical(avas[0].type) if avas else ""
    naming = _naming(avas)
    if first == "dc":
        return Description(("top", "dcObject", "organization"), "organization", (*naming, _value("o", avas[0].value)))
    if first == "o":
        return Description(("top", "organization"), "organization", naming)
    if first == "ou":
        return Description(("top", "organizationalUnit"), "organizationalUnit", naming)
    common = () if first == "cn" or not avas else (_value("cn", avas[0].value),)
    return Description(("top", "organizationalRole", "extensibleObject"), "organizationalRole", (*naming, *common))


def as_active_directory(name: DN, base: DN, created: datetime) -> Description:
    """Describe a container of a domain: domainDNS, organizationalUnit, container."""
    avas = name.rdns[0].avas if name.rdns else ()
    first = schema.canonical(avas[0].type) if avas else ""
    classes, category = _AD_CLASSES.get(first, (("top", "container", "extensibleObject"), active_directory.CONTAINER))
    structural = next(one for one in reversed(classes) if one != "extensibleObject")
    common = () if first in _AD_CLASSES or not avas else (_value("cn", avas[0].value),)
    moment = active_directory.time(created).encode()
    attributes = (
        *_naming(avas),
        *common,
        _value("name", avas[0].value if avas else str(name)),
        _value("distinguishedName", str(name)),
        _value("objectCategory", active_directory.category(category, base)),
        ("objectGUID", [uuid5(NAMESPACE_OID, name.key).bytes_le]),
        ("whenCreated", [moment]),
        ("whenChanged", [moment]),
        _value("instanceType", active_directory.WRITABLE),
    )
    return Description(classes, structural, attributes)


_AD_CLASSES: dict[str, tuple[tuple[str, ...], str]] = {
    "dc": (("top", "domain", "domainDNS"), active_directory.DOMAIN),
    "ou": (active_directory.UNIT_CLASSES, active_directory.UNIT),
    "cn": (("top", "container"), active_directory.CONTAINER),
}


def _naming(avas: Sequence[AVA]) -> _Values:
    return tuple(_value(ava.type, ava.value) for ava in avas)


def _value(attribute: str, value: str) -> tuple[str, Sequence[bytes]]:
    return attribute, [value.encode()]
