"""The root DSE, as programs that are made for Active Directory read it."""

from types import SimpleNamespace
from typing import Any

from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import active_directory, openldap
from gateway.frontends.ldap.search import root_dse
from gateway.model.ldap.dn import DN


def test_the_root_dse_tells_programs_for_active_directory_where_to_look() -> None:
    domain, other = active_directory("ad", DN.parse("dc=ad")), openldap("o", DN.parse("dc=example,dc=test"))

    def told(*views: View, granted: tuple[View, ...] = ()) -> dict[str, list[bytes]]:
        directory: Any = SimpleNamespace(views=views)
        entry = root_dse.entry(directory, start_tls=False, granted=granted)
        return {name: list(values) for name, values in entry.user if name != "objectClass"}

    expected = {
        "defaultNamingContext": [b"dc=ad"],
        "rootDomainNamingContext": [b"dc=ad"],
        "supportedCapabilities": [b"1.2.840.113556.1.4.800"],
    }
    assert told(domain, other) == told(other, domain, granted=(other, domain)) == expected
    assert told(other, domain) == told(domain, other, granted=(other,)) == {}
