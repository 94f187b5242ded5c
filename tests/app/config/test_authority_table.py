"""[authority]: the rules of the door that a few lines become, and the complaints that name the key."""

from pathlib import Path

import pytest

from gateway.app.commands.config import effective, toml_lines
from gateway.app.config import loader
from gateway.app.config.settings import Settings
from gateway.app.parts import local_parts, source_parts
from gateway.model.errors import ConfigurationError
from gateway.model.objects import Kind
from gateway.sync.rules.authority import Authority, Rule

SOURCES = """
[[source]]
name = "hr"
kind = "ldif"
path = "."
[source.users.mapping]
hobby = "drink"
[[source]]
name = "corp"
kind = "ldif"
path = "."
"""

RULES = """
[authority]
order = ["hr", "corp"]
[authority.users]
email = ["corp", "hr"]
title = "corp"
hobby = { sources = ["hr"], yield = true }
mobile_number = { yield = true }
[authority.groups]
description = ["corp"]
"""


def load(folder: Path, text: str) -> Settings:
    folder.mkdir(exist_ok=True)
    file = folder / "gateway.toml"
    file.write_text(text)
    return loader.load(file, {}).settings


def test_lists_tables_and_single_names_become_rules(tmp_path: Path) -> None:
    settings = load(tmp_path, SOURCES + RULES)
    expected = Authority(
        ("hr", "corp"),
        {
            Kind.USER: {
                "email": Rule(("corp", "hr")),
                "title": Rule(("corp",)),
                "hobby": Rule(("hr",), yields=True),
                "mobile_number": Rule(yields=True),
            },
            Kind.GROUP: {"description": Rule(("corp",))},
        },
    )
    assert settings.authority.authority() == expected
    assert source_parts.build(settings)[0].inbound.authority == expected
    assert local_parts.own_inbound(settings).authority == expected


def test_the_shown_rules_can_be_read_again(tmp_path: Path) -> None:
    settings = load(tmp_path, SOURCES + RULES)
    again = load(tmp_path / "again", "\n".join(toml_lines(effective(settings))))
    assert again.authority.authority() == settings.authority.authority()


def test_without_the_table_there_are_no_rules(tmp_path: Path) -> None:
    assert load(tmp_path, SOURCES).authority.authority().fingerprint == ""
    assert load(tmp_path, SOURCES + RULES).authority.authority().fingerprint != ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[authority]\norder = ["hr", "crop"]', "[authority] order: there is no source 'crop'; the sources are: hr, corp"),
        ('[authority]\norder = ["hr", "hr"]', "[authority] order: a source is named twice"),
        ('[authority]\norder = ["local"]', "[authority] order: what is edited in the gateway comes last by itself"),
        ('[authority.users]\nemail = "x"', "[authority.users] email: there is no source 'x'"),
        ('[authority.users]\nmial = "hr"', "[authority.users] mial: no source fills it, and it is no attribute of a user"),
        ('[authority.groups]\nhobby = "hr"', "[authority.groups] hobby: no source fills it"),
        ("[authority.users]\nusername = { yield = true }", "[authority.users] username: what names a user comes from its"),
        ('[authority.users]\nemail = { form = "hr" }', '[authority.users] email: there is no key "form" here'),
        ('[authority.users]\nemail = { yield = "yes" }', "[authority.users] email: yield is true or false"),
        ("[authority.users]\nemail = []", "[authority.users] email: this says nothing"),
        ("[authority.users]\nemail = [1]", "[authority.users] email: sources takes the name of a source"),
        ('[authority]\nodrer = ["hr"]', '[authority] odrer: no such key; did you mean "order"?'),
    ],
)
def test_a_wrong_rule_is_refused_with_its_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, SOURCES + text)
    assert complaint in str(caught.value)
