"""The settings with which tests read a slapd as a source, and the entries that they write into it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.connectors.ldap.client.settings import KindSettings, Upstream
from gateway.connectors.ldap.openldap.settings import OpenLDAPSettings, openldap_kind_settings
from gateway.connectors.ldap.openldap.source import OpenLDAPSource
from gateway.model.objects import Kind
from tests.servers.slapd import Slapd


def upstream(slapd: Slapd, **changes: Any) -> Upstream:
    plain = Upstream(urls=(slapd.url,), bind_dn=slapd.reader.dn, password=slapd.reader.password)
    return replace(plain, **changes)


def kinds(slapd: Slapd) -> tuple[KindSettings, ...]:
    people, groups = (f"ou=people,{slapd.suffix}",), (f"ou=groups,{slapd.suffix}",)
    return (
        openldap_kind_settings(Kind.USER, people),
        openldap_kind_settings(Kind.ORGANIZATION, people),
        openldap_kind_settings(Kind.GROUP, groups),
    )


def settings(slapd: Slapd, **changes: Any) -> OpenLDAPSettings:
    return replace(OpenLDAPSettings(id="hr", upstream=upstream(slapd), kinds=kinds(slapd)), **changes)


def source(slapd: Slapd, **changes: Any) -> OpenLDAPSource:
    return OpenLDAPSource(settings(slapd, **changes))


def add_person(slapd: Slapd, uid: str, below: str = "ou=people", **attributes: object) -> str:
    """The new person's DN; the password is `<uid>-secret`."""
    dn = f"uid={uid},{below},{slapd.suffix}"
    plain = {"cn": uid.capitalize(), "sn": uid.capitalize(), "userPassword": f"{uid}-secret"}
    slapd.add(dn, "inetOrgPerson", plain | attributes)
    return dn


def add_unit(slapd: Slapd, name: str, below: str = "ou=people") -> str:
    dn = f"ou={name},{below},{slapd.suffix}"
    slapd.add(dn, "organizationalUnit", {})
    return dn


def add_group(slapd: Slapd, name: str, *members: str) -> str:
    dn = f"cn={name},ou=groups,{slapd.suffix}"
    slapd.add(dn, "groupOfNames", {"member": list(members)})
    return dn
