"""The root DSE, as programs that are made for Active Directory read it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import active_directory, openldap
from gateway.frontends.ldap.search.domain_controller import root_dse_attributes
from gateway.model.ldap.dn import DN

DOMAIN, OTHER = active_directory("ad", DN.parse("dc=ad,dc=test")), openldap("o", DN.parse("dc=example,dc=test"))
SECOND = active_directory("second", DN.parse("dc=second"))
NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def told(*views: View, granted: tuple[View, ...] = (), host: str = "gw") -> dict[str, list[bytes]]:
    followers = {view.name: SimpleNamespace(reader=SimpleNamespace(position=42)) for view in views}
    directory = SimpleNamespace(views=views, followers=followers)
    services: Any = SimpleNamespace(directory=directory, host_name=host, now=lambda: NOON)
    return {name: list(values) for name, values in root_dse_attributes(services, granted)}


def test_the_root_dse_tells_programs_for_active_directory_where_to_look() -> None:
    service = b"CN=NTDS Settings,CN=GW,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,dc=ad,dc=test"
    assert told(DOMAIN, OTHER) == {
        "defaultNamingContext": [b"dc=ad,dc=test"],
        "rootDomainNamingContext": [b"dc=ad,dc=test"],
        "configurationNamingContext": [b"CN=Configuration,dc=ad,dc=test"],
        "schemaNamingContext": [b"CN=Schema,CN=Configuration,dc=ad,dc=test"],
        "supportedCapabilities": [b"1.2.840.113556.1.4.%d" % number for number in (800, 1670, 1935, 2080)],
        "dnsHostName": [b"gw.ad.test"],
        "serverName": [service.partition(b",")[2]],
        "dsServiceName": [service],
        "ldapServiceName": [b"ad.test:gw$@AD.TEST"],
        "currentTime": [b"20261130120000.0Z"],
        "domainFunctionality": [b"4"],
        "forestFunctionality": [b"4"],
        "domainControllerFunctionality": [b"4"],
        "isSynchronized": [b"TRUE"],
        "isGlobalCatalogReady": [b"FALSE"],
    }
    assert told(DOMAIN, host="dc1.corp.example")["dnsHostName"] == [b"dc1.corp.example"]


@pytest.mark.parametrize(
    ("views", "granted", "expected"),
    [
        ((DOMAIN, OTHER), (), DOMAIN),
        ((OTHER, DOMAIN), (), DOMAIN),
        ((OTHER, SECOND, DOMAIN), (), SECOND),
        ((OTHER, SECOND, DOMAIN), (OTHER, DOMAIN), DOMAIN),
        ((OTHER, DOMAIN), (OTHER,), None),
        ((OTHER,), (), None),
    ],
)
def test_the_domain_is_the_first_that_the_client_may_search_in_any_order(
    views: tuple[View, ...], granted: tuple[View, ...], expected: View | None
) -> None:
    found = told(*views, granted=granted).get("defaultNamingContext", [])
    assert found == ([str(expected.base).encode()] if expected else [])


def test_the_number_of_the_last_change_is_for_those_who_may_search() -> None:
    assert told(DOMAIN, granted=(DOMAIN,))["highestCommittedUSN"] == [b"42"]
    assert "highestCommittedUSN" not in told(DOMAIN)
