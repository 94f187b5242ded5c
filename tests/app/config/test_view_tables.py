"""[[view]] tables: the view definitions that a few lines become, and the complaints that name the key."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.commands.config import effective, toml_lines
from gateway.app.config import loader
from gateway.directory.projection.attribute_rules import Rule, constant, first_of
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import openldap
from gateway.model.errors import ConfigurationError
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind

SEVERAL = """
[[view]]
name = "people"
organizations = ["Europe/Sales"]
groups = "staff"
member_attributes = ["uniqueMember"]
transitive_member_of = true
bind_names = ["dn", "login"]
[view.posix]
home = "/home/{username}"
shell = "/bin/bash"
private_groups = true
[view.users]
container = "ou=users,ou=accounts"
object_classes = ["top", "person", "organizationalPerson", "inetOrgPerson", "extensibleObject"]
[view.users.attributes]
mail = { from = "email", first = true }
displayName = ["display_name", "username"]
carLicense = { constant = ["one", "two"] }
uid = { from = ["username"], lower = true }
sAMAccountName = "username"
jpegPhoto = ""
[[view]]
name = "windows"
kind = "ad"
layout = "tree"
base_dn = "dc=corp,dc=example"
netbios = "OFFICE"
[[view]]
name = "least"
kind = "custom"
base_dn = "o=least"
[view.users]
naming = "employeeNumber"
[view.groups.attributes]
cn = "name"
[view.organizations]
only = ["Asia"]
"""


def views(folder: Path, text: str) -> dict[str, View]:
    file = folder / "gateway.toml"
    file.write_text(text)
    return {table.name: table.view() for table in loader.load(file, {}).settings.view}


def test_a_few_lines_make_a_view(tmp_path: Path) -> None:
    people, windows, least = views(tmp_path, SEVERAL).values()
    users = people.rules[Kind.USER]
    assert str(people.container(Kind.USER)) == "ou=users,ou=accounts,dc=directory,dc=example"
    assert (people.organizations, people.groups) == (("Europe/Sales",), ("staff",))
    assert (people.transitive_member_of, people.bind_names, people.private_groups) == (True, frozenset({"dn", "login"}), True)
    assert people.rules[Kind.GROUP].object_classes == ("top", "groupOfUniqueNames")
    assert users.object_classes[-1] == "extensibleObject"
    assert {name: users.attributes.get(name) for name in ("mail", "displayName", "carLicense", "uid", "jpegPhoto")} == {
        "mail": Rule(("email",), only_first=True),
        "displayName": first_of("display_name", "username"),
        "carLicense": constant("one", "two"),
        "uid": Rule(("username",), form="lower"),
        "jpegPhoto": None,
    }
    assert users.attributes["homeDirectory"] == Rule(("home_directory",), template="/home/{username}")
    assert users.attributes["sn"] == openldap("o", people.base).rules[Kind.USER].attributes["sn"]
    assert (windows.kind, windows.layout, windows.domain, windows.netbios) == ("ad", "tree", "corp.example", "OFFICE")
    assert windows.bind_names == {"dn", "principal", "domain", "login"}
    assert set(least.rules[Kind.USER].attributes) == {"uid", "employeeNumber"}
    assert least.rules[Kind.USER].attributes["employeeNumber"] == first_of("username")
    assert least.organizations == ("Asia",)


def test_without_a_view_table_there_is_one_openldap_view(tmp_path: Path) -> None:
    [view] = views(tmp_path, "").values()
    known = openldap("openldap", DN.parse("dc=directory,dc=example"))
    every = frozenset({"dn", "principal", "domain", "login"})
    assert view == replace(known, domain="directory.example", netbios="DIRECTORY", bind_names=every)


@pytest.mark.parametrize("kind", ["openldap", "tree", "ad", "custom"])
def test_a_view_takes_every_bind_name_that_it_can_tell_apart_unless_it_says_otherwise(tmp_path: Path, kind: str) -> None:
    lines = f'[[view]]\nname = "v"\nkind = "{kind}"\n'
    assert views(tmp_path, lines)["v"].bind_names == {"dn", "principal", "domain", "login"}
    if kind != "ad":  # which has a domain in any case
        assert views(tmp_path, f'{lines}base_dn = "o=firm"\n')["v"].bind_names == {"dn", "login"}
    assert views(tmp_path, f'{lines}bind_names = ["dn"]\n')["v"].bind_names == {"dn"}


def test_the_shown_configuration_has_what_a_view_works_out(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text('[[view]]\nbase_dn = "dc=firm,dc=test"\n')
    [view] = effective(loader.load(tmp_path / "gateway.toml", {}).settings)["view"]
    worked_out = {key: view[key] for key in ("layout", "bind_names", "domain", "netbios")}
    forms = ["dn", "principal", "domain", "login"]
    assert worked_out == {"layout": "flat", "bind_names": forms, "domain": "firm.test", "netbios": "FIRM"}


def test_the_shown_configuration_can_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(SEVERAL)
    settings = loader.load(tmp_path / "gateway.toml", {}).settings
    again = tmp_path / "again"
    again.mkdir()
    text = "\n".join(toml_lines(effective(settings)))
    assert views(again, text) == {table.name: table.view() for table in settings.view}


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            'mial = "email"',
            'toml:4: [[view]] "o" [view.users.attributes] mial: "mial" is no attribute type of the schema;',
        ),
        ('mail = { form = "x" }', '[view.users.attributes] mail: a rule has no key "form"; its keys are: from, template,'),
        ('mail = { template = "{x" }', '[view.users.attributes] mail: "{x" is no template'),
        ('mail = { template = "{Mail}" }', '{Mail} in "{Mail}" names no attribute; write for example {username}'),
        ("mail = { template = 5 }", "[view.users.attributes] mail: template takes a text"),
        ('mail = { from = "email", lower = 1 }', "[view.users.attributes] mail: lower and first are true or false"),
        ("mail = 5", "[view.users.attributes] mail: from takes a text or a list of texts"),
        ('mail = "E-Mail"', '"E-Mail" names no attribute of the gateway; they are written like display_name'),
        ('memberOf = "x"', "memberOf: memberOf is made by the gateway itself"),
        (
            'objectClass = "x"',
            "objectClass is made by the gateway itself; object classes are given by object_classes",
        ),
        ('member = "x"', "member: member shows the members of a group; give it in member_attributes"),
        ('"cn;lang-en" = "x"', 'cn;lang-en: "cn;lang-en": ";binary" is the only option that is kept'),
    ],
)
def test_a_wrong_rule_is_refused_with_its_table_and_key(tmp_path: Path, lines: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        views(tmp_path, f'[[view]]\nname = "o"\n[view.users.attributes]\n{lines}\n')
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[view.users]\nobject_classes = ["persn"]', '[view.users] object_classes: "persn" is no object class of the schema'),
        ('[view.users]\nnaming = "cn;binary"', "[view.users] naming: the naming attribute has no options"),
        ('[view.users]\ncontainer = "people"', "[view.users] container: "),
        ('[view.users]\ncontainer = "cn=x,ou=Applications"', "below ou=applications applications have their bind names"),
        ('[view.posix]\nhome = "/home/{}"', '[view.posix] home: {} in "/home/{}" names no attribute'),
        ('kind = "windows"', "kind: input should be 'openldap', 'tree', 'ad' or 'custom', not 'windows'"),
        ('layout = "round"', "layout: input should be 'flat' or 'tree'"),
        (
            'kind = "ad"\nbase_dn = "o=x"',
            'domain is missing, and base_dn has no dc= to take it from; add domain = "',
        ),
        ('bind_names = ["principal"]\nbase_dn = "o=x"', "domain is missing"),
        ('netbios = "ABCDEFGHIJKLMNOP"', "a NetBIOS name has at most 15 characters"),
        ('[[view]]\nname = "p"\nbase_dn = "DC=Directory, dc=example"', "have the same base_dn; give each view its own"),
        ('[[view]]\nname = "O"\nbase_dn = "dc=x"', "two [[view]] tables are named 'o'"),
    ],
)
def test_a_wrong_view_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        views(tmp_path, f'[[view]]\nname = "o"\n{text}\n')
    assert complaint in str(caught.value)


def test_a_view_shows_leavers_when_it_says_so(tmp_path: Path) -> None:
    found = views(tmp_path, '[[view]]\nname = "a"\n[[view]]\nname = "b"\nbase_dn = "o=b"\nleavers = true\n')
    assert {name: view.leavers for name, view in found.items()} == {"a": False, "b": True}
