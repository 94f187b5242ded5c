"""Correlation rules and reactions as written: the settings of the door that they become, and the complaints about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.config import loader
from gateway.app.config.settings import Settings
from gateway.app.parts import source_parts
from gateway.model.errors import ConfigurationError
from gateway.model.objects import Kind
from gateway.sync.rules.correlation import Reaction

LDIF = """\
[[source]]
name = "hr"
kind = "ldif"
path = "people.ldif"
"""
RULES = """\
[source.users]
correlation = ["employee_number = employee_number", "username=lower(split(email, '@', 1))"]
several_records = true
reactions = { unlinked = "queue", disputed = "ignore" }
[source.organizations]
correlation = "path"
"""


def load(folder: Path, text: str) -> Settings:
    file = folder / "gateway.toml"
    file.write_text(text)
    return loader.load(file, {}).settings


def test_rules_and_reactions_reach_the_door(tmp_path: Path) -> None:
    settings = load(tmp_path, LDIF + RULES)
    inbound = source_parts.build(settings)[0].inbound.settings
    rules = inbound.correlation[Kind.USER]
    assert [rule.text for rule in rules.rules] == [
        "employee_number = employee_number",
        "username = lower(split(email, '@', 1))",
    ]
    assert rules.rules[1].right({"email": ("Anna@x.test",)}) == ("anna",)
    assert (rules.unlinked, rules.unmatched, rules.disputed) == (Reaction.QUEUE, Reaction.CREATE, Reaction.IGNORE)
    assert (rules.several, rules.deleted) == (True, Reaction.DISABLE)
    assert inbound.correlation[Kind.GROUP].deleted is Reaction.DELETE
    assert inbound.key_names == {Kind.USER: {"employee_number", "username"}, Kind.ORGANIZATION: {"path"}}


@pytest.mark.parametrize(
    ("written", "by_name"), [("", False), ('rejoin = "external_id"', False), ('rejoin = "username"', True)]
)
def test_login_names_bring_leavers_back_only_where_the_source_says_so(tmp_path: Path, written: str, by_name: bool) -> None:
    settings = load(tmp_path, f"{LDIF}[source.users]\n{written}\n")
    inbound = source_parts.build(settings)[0].inbound.settings
    assert inbound.correlation[Kind.USER].rejoins_by_username is by_name


def test_other_rules_change_the_fingerprint_and_no_rules_leave_it_as_it_was(tmp_path: Path) -> None:
    with_rules, without = load(tmp_path, LDIF + RULES), load(tmp_path, LDIF)
    other = load(tmp_path, LDIF + RULES.replace("several_records = true", ""))
    fingerprints = {source_parts.fingerprint(settings.source[0]) for settings in (with_rules, without, other)}
    assert len(fingerprints) == 3
    assert ";" not in source_parts.fingerprint(without.source[0])


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ('[source.users]\ncorrelation = "email"', 'is not a rule; write it like "employee_number = employee_number"'),
        ('[source.users]\ncorrelation = "E-Mail = email"', "left of the = stands the name of one of our attributes"),
        ('[source.users]\ncorrelation = "email = lower(email"', "'email = lower(email'"),
        ('[source.users]\ncorrelation = "path"', '[source.users]: a user has no path; the rule "path" is for organizations'),
        ('[source.groups]\nreactions = { deleted = "disable" }', "[source.groups]: a group cannot be disabled"),
        ('[source.users]\nrejoin = "email"', "'external_id' or 'username'"),
        ('[source.users]\nreactions = { unlinked = "create" }', "'link', 'queue' or 'ignore'"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_cure(tmp_path: Path, rules: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, LDIF + rules)
    assert sentence in str(raised.value)
    assert '[[source]] "hr"' in str(raised.value)
