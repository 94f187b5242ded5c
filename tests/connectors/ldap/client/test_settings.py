"""The settings of an LDAP upstream: valid ones, and the errors for invalid ones."""

from dataclasses import replace

import pytest

from gateway.connectors.ldap.client.settings import Address, Upstream
from gateway.connectors.ldap.openldap import watermark
from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, OpenLDAPSettings, openldap_kind_settings
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind

PLAIN = OpenLDAPSettings(
    id="hr",
    upstream=Upstream(urls=("ldap://h",), bind_dn="cn=reader", password="secret"),
    kinds=(openldap_kind_settings(Kind.GROUP, ("ou=g,dc=x",)), openldap_kind_settings(Kind.ORGANIZATION, ("dc=x",))),
)


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("ldap://h", "h", 389, False),
        ("ldaps://h.example/", "h.example", 636, True),
        ("LDAP://10.0.0.1:3890", "10.0.0.1", 3890, False),
        ("ldap://[::1]:3890", "::1", 3890, False),
    ],
)
def test_urls_give_host_port_and_tls(url: str, host: str, port: int, tls: bool) -> None:
    assert Address.parse(url) == Address(url, host, port, tls)


@pytest.mark.parametrize("url", ["", "h", "http://h", "ldap://", "ldap://h/dc=x", "ldap://h?x", "ldap://u@h", "ldap://h:x"])
def test_a_url_of_no_ldap_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"ldap://HOST|Port"):
        Address.parse(url)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"urls": ()}, "at least one URL"),
        ({"urls": ("ldaps://h",), "start_tls": True}, "start_tls is for ldap://"),
        ({"password": ""}, "bind_dn needs a password"),
        ({"bind_dn": "nonsense"}, "not a distinguished name"),
    ],
)
def test_an_upstream_that_makes_no_sense_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(PLAIN.upstream, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kinds": ()}, "users, organizations or groups are needed"),
        ({"kinds": PLAIN.kinds[:1] * 2}, "each at most once"),
        ({"id_attribute": "employeeNumber", "mode": OpenLDAPMode.PERSIST}, "mode persist needs id_attribute entryUUID"),
        (
            {"id_attributes": {Kind.GROUP: "gidNumber"}, "mode": OpenLDAPMode.REFRESH},
            "mode refresh needs id_attribute entryUUID",
        ),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(PLAIN, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bases", "filter_text", "complaint"),
    [
        ((), None, "the users need at least one base"),
        (("dc=x", "dc=y"), None, "share no suffix: make two sources"),
        (("nonsense",), None, "not a distinguished name"),
        (("dc=x",), "(uid=", "."),
    ],
)
def test_a_kind_that_makes_no_sense_is_refused(bases: tuple[str, ...], filter_text: str | None, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        openldap_kind_settings(Kind.USER, bases, filter_text)


def test_several_bases_are_searched_from_their_nearest_common_ancestor() -> None:
    assert openldap_kind_settings(Kind.USER, ("ou=a,ou=p,dc=x", "OU=b, ou=p,dc=x")).search_base == "ou=p,dc=x"
    assert openldap_kind_settings(Kind.USER, ("ou=a,ou=p,dc=x", "ou=p,dc=x")).search_base == "ou=p,dc=x"
    assert openldap_kind_settings(Kind.USER, ("OU=a, dc=x",)).search_base == "OU=a, dc=x"


def test_a_base_below_another_one_is_dropped() -> None:
    assert openldap_kind_settings(Kind.USER, ("ou=a,dc=x", "dc=x", "DC=X")).top_bases == ("dc=x",)


@pytest.mark.parametrize(
    ("kind", "dn", "contained"),
    [
        (Kind.USER, "uid=u,OU=A,dc=x", True),
        (Kind.USER, "ou=a,dc=x", True),
        (Kind.USER, "uid=u,ou=ab,dc=x", False),
        (Kind.USER, "uid=u,dc=x", False),
        (Kind.ORGANIZATION, "ou=s,ou=b,dc=x", True),
        (Kind.ORGANIZATION, "ou=b,dc=x", False),
    ],
)
def test_scope_is_everything_below_a_base_and_for_organizations_not_the_base(kind: Kind, dn: str, contained: bool) -> None:
    assert openldap_kind_settings(kind, ("ou=a,dc=x", "ou=b,dc=x")).contains(dn) is contained


def test_kinds_are_read_organizations_first() -> None:
    assert [kind.kind for kind in PLAIN.ordered_kinds] == [Kind.ORGANIZATION, Kind.GROUP]


def test_a_watermark_gives_its_cookies_back_and_those_of_changed_kinds_not() -> None:
    cookies = {Kind.GROUP: b"\xff\0one", Kind.ORGANIZATION: b"two"}
    mark = watermark.encode(PLAIN, cookies)
    assert watermark.decode(PLAIN, mark) == cookies
    groups, organizations = PLAIN.kinds
    changed = replace(groups, mapping=default_mapping(Kind.GROUP, {"name": "gn"}))
    assert watermark.decode(replace(PLAIN, kinds=(changed, organizations)), mark) == {Kind.ORGANIZATION: b"two"}
    narrowed = replace(groups, filter="(cn=a*)")
    assert watermark.decode(replace(PLAIN, kinds=(narrowed, organizations)), mark) == {Kind.ORGANIZATION: b"two"}


def test_another_server_or_another_reader_means_other_cookies_but_another_password_does_not() -> None:
    mark = watermark.encode(PLAIN, {Kind.GROUP: b"one"})
    for upstream in (replace(PLAIN.upstream, urls=("ldap://other",)), replace(PLAIN.upstream, bind_dn="cn=other")):
        assert watermark.decode(replace(PLAIN, upstream=upstream), mark) == {}
    assert watermark.decode(replace(PLAIN, upstream=replace(PLAIN.upstream, password="new")), mark)


def test_passwords_do_not_print() -> None:
    assert "secret" not in repr(PLAIN)
