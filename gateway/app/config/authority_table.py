"""`[authority]` of gateway.toml: which source decides an attribute, when several have the same user, organization or group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from gateway.app.value_types import AttributeName, Table, Texts, texts_of
from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE
from gateway.model.connector import LOCAL
from gateway.model.objects import Kind
from gateway.sync.rules.authority import Authority, Rule

RULE_KEYS = ("sources", "yield")


def read_rule(value: object) -> Rule:
    """Read ["corp", "hr"] or { sources = ["corp", "hr"], yield = true }. Raises ValueError."""
    if isinstance(value, Rule):
        return value
    table = value if isinstance(value, dict) else {"sources": value}
    unknown = sorted(set(table) - set(RULE_KEYS))
    if unknown:
        raise ValueError(f'there is no key "{unknown[0]}" here; the keys are: {", ".join(RULE_KEYS)}')
    sources = texts_of(table.get("sources", ()))
    if sources is None:
        raise ValueError('sources takes the name of a source or a list of names, such as ["corp", "hr"]')
    yields = table.get("yield", False)
    if not isinstance(yields, bool):
        raise ValueError("yield is true or false")
    if not sources and not yields:
        raise ValueError("this says nothing; name the sources that decide, or write { yield = true }, or leave it out")
    return Rule(sources, yields)


def write_rule(rule: Rule) -> list[str] | dict[str, object]:
    """Return a rule as it is written in the configuration."""
    if not rule.yields:
        return list(rule.sources)
    return {"sources": list(rule.sources), "yield": True} if rule.sources else {"yield": True}


AuthorityRule = Annotated[Rule, BeforeValidator(read_rule), PlainSerializer(write_rule)]
Rules = dict[AttributeName, AuthorityRule]


class AuthorityTable(Table):
    """`order`: the sources, the one that decides first in front, for every attribute without a rule. A rule names the sources
    that alone decide an attribute, in this order; with `yield`, an edit in the gateway goes over them. `passwords`: the sources
    that decide passwords, in this order; none: `order` counts (password_sources.py)."""

    order: Texts = ()
    passwords: Texts = ()
    users: Rules = Field(default_factory=dict)
    organizations: Rules = Field(default_factory=dict)
    groups: Rules = Field(default_factory=dict)

    @property
    def rules(self) -> Mapping[Kind, Mapping[str, Rule]]:
        return {Kind.USER: self.users, Kind.ORGANIZATION: self.organizations, Kind.GROUP: self.groups}

    def authority(self) -> Authority:
        """Return the rules as the door applies them."""
        return Authority(self.order, {kind: rules for kind, rules in self.rules.items() if rules})

    def complaints(self, sources: Collection[str], custom: Mapping[Kind, Collection[str]]) -> Iterator[str]:
        """Yield the complaints about the table, given the sources and the custom fields that they fill, by kind."""
        yield from _wrong_sources("[authority] order", self.order, sources)
        yield from _wrong_sources("[authority] passwords", self.passwords, sources)
        for kind, rules in self.rules.items():
            known = {*ATTRIBUTES[kind], *custom[kind]}
            for name, rule in rules.items():
                key = f"[authority.{kind}s] {name}"
                if name not in known:
                    yield f"{key}: no source fills it, and it is no attribute of a {kind}"
                elif rule.yields and name == NAMING_ATTRIBUTE[kind]:
                    yield f"{key}: what names a {kind} comes from its sources; leave yield out"
                yield from _wrong_sources(key, rule.sources, sources)


def _wrong_sources(key: str, named: Collection[str], sources: Collection[str]) -> Iterator[str]:
    for name in dict.fromkeys(named):
        if name == LOCAL:
            yield f"{key}: what is edited in the gateway comes last by itself; write yield = true for what is to come first"
        elif name not in sources:
            yield f"{key}: there is no source {name!r}; the sources are: {', '.join(sources) or 'none'}"
    if len(set(named)) < len(named):
        yield f"{key}: a source is named twice"
