"""`check` of an LDAP source against a real slapd: one item for each step, each failure with its cure."""

from dataclasses import replace

from gateway.connectors.ldap.openldap.settings import openldap_kind_settings
from gateway.connectors.ldap.openldap.source import OpenLDAPSource
from gateway.model.connector import CheckItem, CheckStatus, Lockout
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_person, settings, source, upstream
from tests.servers.people import people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd


def checked(reading: OpenLDAPSource) -> dict[str, CheckItem]:
    return {item.name: item for item in reading.check()}


def failed(items: dict[str, CheckItem]) -> list[str]:
    return [name for name, item in items.items() if item.status is CheckStatus.FAILED]


def test_all_steps_are_items_in_order_with_counts_and_five_sample_records(start_slapd: StartSlapd) -> None:
    slapd = start_slapd(ldif=people(1200, 3, 5))
    items = checked(source(slapd))
    people_base, groups_base = f"base ou=people,{slapd.suffix}", f"base ou=groups,{slapd.suffix}"
    steps = ["name resolves", "TCP", "TLS", "bind", "synchronization", "schema"]
    assert list(items) == [*steps, people_base, "organizations", "users", groups_base, "groups"]
    assert failed(items) == []
    assert [items[name].detail for name in ("organizations", "users", "groups")] == [
        "10 would be read",
        "1,200 would be read",
        "3 would be read",
    ]
    assert [len(items[name].samples) for name in ("organizations", "users", "groups")] == [5, 5, 3]
    kind, dn, attributes = items["users"].samples[0]
    assert (kind, dn.partition("=")[0], attributes["family_name"]) == (Kind.USER, "uid", ("Sur000000",))


def test_tls_shows_version_and_expiry_and_a_wrong_authority_ends_there_with_its_cure(slapd: Slapd, pki: Pki) -> None:
    good = checked(source(slapd, upstream=upstream(slapd, start_tls=True, ca_file=pki.ca)))
    assert "TLSv1." in good["TLS"].detail
    assert "valid until" in good["TLS"].detail
    bad = checked(source(slapd, upstream=upstream(slapd, start_tls=True, ca_file=pki.wrong_ca)))
    assert failed(bad) == ["TLS"]
    assert "as ca_file" in bad["TLS"].cure
    assert bad["bind"].status is bad["users"].status is CheckStatus.SKIPPED


def test_clear_text_to_another_machine_is_warned_of(slapd: Slapd) -> None:
    assert checked(source(slapd))["TLS"].status is CheckStatus.SKIPPED  # this one is at 127.0.0.1
    far = checked(source(slapd, upstream=upstream(slapd, urls=(slapd.url, slapd.url.replace("127.0.0.1", "0.0.0.0")))))
    items = [item for name, item in far.items() if name.startswith("TLS")]
    assert [item.status for item in items] == [CheckStatus.SKIPPED, CheckStatus.WARNED]
    assert (items[1].detail, items[1].cure) == (
        "not configured: passwords travel in the clear",
        "use an ldaps:// URL, or set start_tls = true",
    )


def test_policies_that_lock_accounts_are_told_where_they_are_shown(start_slapd: StartSlapd) -> None:
    slapd = start_slapd(ppolicy=True)
    slapd.add(f"ou=policies,{slapd.suffix}", "organizationalUnit", {})
    for name, more in {
        "default": {"pwdLockout": "TRUE", "pwdMaxFailure": "5", "pwdFailureCountInterval": "600"},
        "strict": {"pwdLockout": "TRUE", "pwdMaxFailure": "3"},
        "lax": {"pwdLockout": "FALSE", "pwdMaxFailure": "2"},
    }.items():
        dn = f"cn={name},ou=policies,{slapd.suffix}"
        slapd.add(dn, ["device", "pwdPolicy"], {"cn": name, "pwdAttribute": "userPassword", **more})
    seen = upstream(slapd, bind_dn=slapd.admin.dn, password=slapd.admin.password)
    found = checked(source(slapd, upstream=seen))["account lockout"]
    assert sorted(found.lockouts, key=lambda lockout: lockout.failures) == [
        Lockout("the policy 'strict'", 3, None),
        Lockout("the policy 'default'", 5, 600),
    ]
    assert "the policy 'default' locks an account after 5 wrong passwords within 10 minutes" in found.detail


def test_an_unknown_attribute_fails_with_the_closest_known_one(slapd: Slapd) -> None:
    def of(**mapping: tuple[str, ...]) -> CheckItem:
        users = openldap_kind_settings(Kind.USER, (f"ou=people,{slapd.suffix}",), mapping=default_mapping(Kind.USER, mapping))
        return checked(source(slapd, kinds=(users,)))["schema"]

    wrong = of(email=("emial", "email"))
    assert wrong.status is CheckStatus.FAILED
    assert wrong.detail == "the server knows no attribute emial"
    assert wrong.cure.endswith("did you mean email?")
    assert of(badge=("destinationIndicator",)) == CheckItem(
        "schema", CheckStatus.PASSED, "the server knows destinationIndicator"
    )
    assert of().status is CheckStatus.PASSED


def test_a_wrong_password_fails_at_bind_and_the_rest_is_not_tried(slapd: Slapd) -> None:
    items = checked(source(slapd, upstream=upstream(slapd, password="wrong")))
    assert failed(items) == ["bind"]
    assert items["bind"].cure == "check bind_dn and password"


def test_a_missing_base_fails_alone(slapd: Slapd) -> None:
    bases = (f"ou=people,{slapd.suffix}", f"ou=nowhere,{slapd.suffix}")
    items = checked(source(slapd, kinds=(openldap_kind_settings(Kind.USER, bases),)))
    assert failed(items) == [f"base ou=nowhere,{slapd.suffix}"]
    assert items["users"].status is CheckStatus.SKIPPED


def test_every_url_of_several_is_tried_and_the_first_that_works_is_read(slapd: Slapd) -> None:
    add_person(slapd, "ada")
    items = checked(source(slapd, upstream=replace(upstream(slapd), urls=("ldap://127.0.0.1:1", slapd.url))))
    assert failed(items) == ["TCP (ldap://127.0.0.1:1)"]
    assert items["users"].detail == "1 would be read"


def test_a_server_without_synchronization_has_an_item_for_it(start_slapd: StartSlapd) -> None:
    items = checked(source(start_slapd(syncprov=False)))
    assert items["synchronization"].detail == "the server does not offer RFC 4533: full reads on the schedule"


def test_a_base_without_matches_has_a_cure(slapd: Slapd) -> None:
    items = checked(source(slapd))
    assert (items["users"].detail, items["users"].status) == ("none", CheckStatus.WARNED)
    assert "matches (objectClass=inetOrgPerson): correct base or filter of [source.users]" in items["users"].cure
    assert items["users"].cure.endswith("the entries there have the object classes organizationalUnit")


def test_an_entry_that_could_not_become_an_object_is_named(slapd: Slapd) -> None:
    slapd.add(f"cn=printer,ou=people,{slapd.suffix}", "inetOrgPerson", {"sn": "printer"})
    assert "cn=printer,ou=people,dc=example,dc=test has no usable uid" in checked(source(slapd))["users"].detail


def test_a_size_limit_is_found_before_it_hurts(start_slapd: StartSlapd) -> None:
    slapd = start_slapd(ldif=people(100), extra=("sizelimit size.soft=20 size.hard=20",))
    limited = upstream(slapd, bind_dn=f"uid=user000001,ou=dept1,ou=people,{slapd.suffix}", password="secret1")
    items = checked(source(slapd, upstream=limited))
    assert failed(items) == ["users"]
    assert "size=unlimited" in items["users"].cure


def test_a_server_that_hangs_raises_nothing(slapd: Slapd) -> None:
    checking = OpenLDAPSource(settings(slapd, upstream=upstream(slapd, answer_seconds=0.2))).check()
    names = [next(checking).name for _ in range(4)]
    slapd.suspend()
    assert names[-1] == "bind"
    assert [item.status for item in checking] == [CheckStatus.FAILED]
    slapd.resume()
