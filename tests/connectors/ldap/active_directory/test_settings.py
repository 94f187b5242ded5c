"""The settings of an Active Directory source."""

from __future__ import annotations

import pytest

from gateway.connectors.ldap.active_directory.settings import ActiveDirectorySettings, active_directory_kind_settings
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.objects import Kind

UPSTREAM = Upstream(urls=("ldap://dc1",), bind_dn="reader@corp.example", password="secret")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: active_directory_kind_settings(Kind.USER, ()), "at least one base"),
        (
            lambda: active_directory_kind_settings(Kind.USER, ("DC=a",), exclude=("OU=x,DC=b",)),
            "lies below no base of the users",
        ),
        (lambda: active_directory_kind_settings(Kind.USER, ("DC=a",), "(cn="), "."),
        (lambda: ActiveDirectorySettings(id="corp", upstream=UPSTREAM, kinds=()), "are needed"),
        (lambda: Upstream(urls=("ldap://h",), bind_dn="a@b@c", password="x"), "not a distinguished name"),
    ],
)
def test_invalid_settings_are_refused(make: object, complaint: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=complaint):
        make()


@pytest.mark.parametrize(
    ("dn", "contained"),
    [
        ("CN=a,OU=in,DC=x", True),
        ("CN=a,OU=out,OU=in,DC=x", False),
        ("CN=a,DC=y", True),
        ("CN=a,OU=other,DC=x", False),
    ],
)
def test_scope_is_below_a_base_and_not_below_an_excluded_dn(dn: str, contained: bool) -> None:
    assert (
        active_directory_kind_settings(Kind.USER, ("OU=in,DC=x", "DC=y"), exclude=("ou=OUT,OU=in,DC=x",)).contains(dn)
        is contained
    )


def test_filter_attributes_are_those_that_the_filter_names() -> None:
    text = "(&(objectClass=user)(|(memberOf:1.2.840.113556.1.4.1941:=CN=x,DC=y)(!(title=*a*)))(employeeType=staff))"
    kind = active_directory_kind_settings(Kind.USER, ("DC=x",), text)
    assert kind.filter_attributes == {"objectclass", "memberof", "title", "employeetype"}
