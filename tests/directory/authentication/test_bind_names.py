"""Bind names: the forms that a view takes, the identities they mean, and unknown names, which are answered like a wrong
password."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred

from gateway.directory.access import Access
from gateway.directory.authentication.bind_names import logins_in
from gateway.directory.directory import Party
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import active_directory
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN, InvalidDN
from gateway.model.objects import User
from tests.directory.binding import ANNA, DEE, MAX_FAILURES, PEOPLE, Bed
from tests.directory.worlds import BASE, openldap_view, user

EVERY_FORM = frozenset({"dn", "principal", "domain", "login"})


def view(*forms: str) -> View:
    return replace(openldap_view(), bind_names=frozenset(forms), domain="example.com", netbios="EXAMPLE")


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("forms", "name", "logins"),
    [
        (("principal",), "anna@example.com", ["anna@example.com", "anna"]),
        (("principal",), "anna@EXAMPLE.com", ["anna@EXAMPLE.com", "anna"]),
        (("principal",), "a@b@example.com", ["a@b@example.com", "a@b"]),
        (("principal",), "anna@other.com", ["anna@other.com"]),
        (("principal",), "@example.com", ["@example.com"]),
        (("principal",), "anna", []),
        (("domain",), r"EXAMPLE\anna", ["anna"]),
        (("domain",), r"example\anna", ["anna"]),
        (("domain",), r"OTHER\anna", []),
        (("domain",), "EXAMPLE\\", []),
        (("domain",), "anna@example.com", []),
        (("login",), "anna", ["anna"]),
        (("login",), "anna@example.com", ["anna@example.com"]),
        (("principal", "login"), "anna@example.com", ["anna@example.com", "anna"]),
        (("principal", "login"), "anna", ["anna"]),
        (("dn",), "anna", []),
    ],
)
def test_a_name_stands_for_the_logins_that_the_view_takes_it_for(forms: tuple[str, ...], name: str, logins: list[str]) -> None:
    assert list(logins_in(view(*forms), name)) == logins


@pytest.mark.parametrize("name", ["anna", "ANNA", "anna@example.com", r"EXAMPLE\Anna", f"uid=anna,{PEOPLE}"])
@ensureDeferred
async def test_each_form_is_the_same_person(bed: Bed, name: str) -> None:
    bed.authentication = bed.make(views=[view(*EVERY_FORM)])
    party = await bed.bind(name, b"right")
    assert (party.user_id, party.dn, party.views) == (ANNA.id, f"uid=anna,{PEOPLE}", ("main",))


@ensureDeferred
async def test_a_form_that_no_view_takes_is_no_name_and_a_dn_only_where_it_is_taken(bed: Bed) -> None:
    with pytest.raises(InvalidDN):
        await bed.bind("anna", b"right")
    bed.authentication = bed.make(views=[view("principal")])
    await bed.refused("anna", b"right")
    await bed.refused(f"uid=anna,{PEOPLE}", b"right")


@ensureDeferred
async def test_an_unknown_name_costs_the_same_as_a_wrong_password(bed: Bed) -> None:
    bed.authentication = bed.make(views=[view(*EVERY_FORM)])
    for name in ("nobody", "nobody@example.com", r"OTHER\anna", "", " "):
        await bed.refused(name)
    assert bed.hr.asked == ["decoy"] * 5
    await bed.refused("anna")
    assert bed.hr.asked[-1] == "cn=anna,o=hr"


@ensureDeferred
async def test_of_two_views_with_the_same_domain_the_first_one_wins(bed: Bed) -> None:
    second = replace(view("principal"), name="second", base=DN.parse("dc=second"))
    bed.authentication = bed.make(views=[view("principal"), second])
    assert (await bed.bind("anna@example.com", b"right")).views == ("main",)
    bed.authentication = bed.make(views=[view("dn"), second])
    assert (await bed.bind("anna@example.com", b"right")).views == ("second",)


@ensureDeferred
async def test_all_names_of_a_person_share_one_soft_lock(bed: Bed) -> None:
    bed.authentication = bed.make(views=[view(*EVERY_FORM)])
    for name in ("anna", "anna@example.com", f"uid=anna,{PEOPLE}"):
        await bed.refused(name)
    await bed.refused(r"EXAMPLE\anna", b"right")
    assert len(bed.hr.asked) == MAX_FAILURES
    assert (await bed.bind("dee", b"right")).user_id == DEE.id


@ensureDeferred
async def test_an_application_has_its_dn_only(bed: Bed) -> None:
    _, secret = bed.add_application("portal")
    bed.authentication = bed.make(views=[view(*EVERY_FORM)])
    await bed.refused("portal", secret)
    assert (await bed.bind(f"cn=portal,ou=applications,{BASE}", secret)).application is not None


@ensureDeferred
async def test_a_name_over_the_limit_is_no_name_in_any_form(bed: Bed) -> None:
    bed.authentication = bed.make(views=[view(*EVERY_FORM)])
    with pytest.raises(InvalidDN, match="characters"):
        await bed.bind("x" * (dn.MAX_CHARACTERS + 1), b"right")


AD = active_directory("ad", DN.parse("DC=b,DC=test"))
CARL = user(31, "ccomma", user_principal_name=["carl@mail.example.test"], display_name=["Carl"])
TOLD_ANOTHERS = user(32, "mallory", user_principal_name=["victim@b.test"])
VICTIM = user(33, "victim")
MAIL_LOGIN, SHORT_LOGIN = user(34, "c@b.test"), user(35, "c")
NAMED_AS_ANOTHER = user(38, "carl@own.test", user_principal_name=["other@own.test"])
OWN_PRINCIPAL = user(39, "own", user_principal_name=["carl@own.test"])
TWIN, OTHER_TWIN = (user(number, f"twin{number}", user_principal_name=["twin@mail.example.test"]) for number in (36, 37))


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("carl@mail.example.test", CARL),
        ("CARL@Mail.Example.Test", CARL),
        ("ccomma@b.test", CARL),
        (r"B\ccomma", CARL),
        ("ccomma@mail.example.test", None),
        ("carl@b.test", None),
        ("c@b.test", None),
        ("carl@own.test", None),
        (r"B\carl@own.test", NAMED_AS_ANOTHER),
        (r"B\own", OWN_PRINCIPAL),
        (r"B\c@b.test", MAIL_LOGIN),
        (r"B\c", SHORT_LOGIN),
        ("c@b.test@b.test", MAIL_LOGIN),
        ("victim@b.test", VICTIM),
        ("twin@mail.example.test", None),
        ("*@b.test", None),
    ],
)
@ensureDeferred
async def test_law_14_a_name_with_a_domain_is_the_one_that_the_view_shows_and_one_that_several_have_is_nobodys(
    principals: Bed, name: str, means: User | None
) -> None:
    found = await principals.authentication.named(name)
    assert found.user_id == (means.id if means else None)


@ensureDeferred
async def test_an_authorization_identity_may_be_a_user_principal_name(principals: Bed) -> None:
    found = await principals.authentication.identity_of("u:carl@mail.example.test", Party("", ("ad",), Access()))
    assert found is not None and found.user_id == CARL.id


@pytest.fixture
def principals(bed: Bed, tmp_path: Path) -> Iterator[Bed]:
    of_names = (MAIL_LOGIN, SHORT_LOGIN, NAMED_AS_ANOTHER, OWN_PRINCIPAL, TWIN, OTHER_TWIN)
    bed.world.put(CARL, TOLD_ANOTHERS, VICTIM, *of_names)
    bed.world.build(AD, "ad").close()
    openldap, bed.follower.reader = bed.follower.reader, ViewReader(ViewFile(tmp_path / "ad", AD))
    bed.authentication = bed.make(views=[AD])
    yield bed
    bed.follower.reader.close()
    bed.follower.reader = openldap
