"""The tables inside a `[[source]]` about the records of one kind of object: `[source.users]`, `[source.organizations]` and
`[source.groups]`. Only what all kinds of sources share; what a kind of source adds is in its own folder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.app.value_types import AttributeName, Mapped, Table, Texts, listed
from gateway.model.mapping.inbound import EnabledRule
from gateway.model.objects import Kind
from gateway.sync.objects.leavers import DELETED_REACTIONS
from gateway.sync.rules import correlation_syntax
from gateway.sync.rules.correlation import KindRules, Reaction
from gateway.sync.rules.correlation_keys import PATH


def _rule(text: str) -> str:
    return correlation_syntax.parse(text).text


RuleTexts = Annotated[tuple[Annotated[str, AfterValidator(_rule)], ...], BeforeValidator(listed)]


class ReactionsTable(Table):
    """`[source.users.reactions]` and so on: the reaction to each situation of a record. `deleted` is about objects whose last
    record is gone; None is what fits the kind."""

    unlinked: Literal["link", "queue", "ignore"] = "link"
    unmatched: Literal["create", "queue", "ignore"] = "create"
    disputed: Literal["queue", "recheck", "ignore"] = "queue"
    deleted: Literal["disable", "delete", "keep"] | None = None


class RecordsTable(Table):
    """The records of one kind. `correlation`: rules such as "email = lower(mail)", in order. `several_records`: true lets two
    records of the source have one object."""

    correlation: RuleTexts = ()
    reactions: ReactionsTable = ReactionsTable()
    several_records: bool = False

    @property
    def mapped_names(self) -> Collection[str]:
        """Our attributes that the table maps by name; those that are mapped by default are not among them."""
        return ()

    def rules(self, kind: Kind) -> KindRules:
        """Return the correlation rules and reactions. Raises ValueError for what does not fit the kind."""
        rules = tuple(correlation_syntax.parse(text) for text in self.correlation)
        if kind is not Kind.ORGANIZATION and any(rule.left == PATH for rule in rules):
            raise ValueError(f'a {kind} has no path; the rule "path" is for organizations')
        if kind is not Kind.USER and self.reactions.deleted == "disable":
            raise ValueError(f'a {kind} cannot be disabled; write deleted = "delete" or deleted = "keep"')
        reactions = self.reactions
        return KindRules(
            rules,
            Reaction(reactions.unlinked),
            Reaction(reactions.unmatched),
            Reaction(reactions.disputed),
            several=self.several_records,
            deleted=DELETED_REACTIONS[kind] if reactions.deleted is None else Reaction(reactions.deleted),
        )


class MappedRecordsTable(RecordsTable):
    """Records with a mapping, which is laid over the defaults: our attribute = "theirs", or a list of which the first that has
    a value counts, or "" to leave the attribute alone, or { expression = "…" } over their attributes."""

    mapping: dict[AttributeName, Mapped] = Field(default_factory=dict)

    @property
    def mapped_names(self) -> Collection[str]:
        return self.mapping


class EnabledTable(Table):
    """`[source.users.enabled]`: the rule by which an account may not log in. With `enabled_values` it must have one of them;
    else it must have none of `disabled_values`; without either, any value of the attribute disables."""

    attribute: str
    disabled_values: Texts = ()
    enabled_values: Texts = ()


class UsersTable(MappedRecordsTable):
    """`[source.users]`. `rejoin`: what makes a new entry the same person as a leaver of this source, beside correlation rules:
    its external id alone, or also the login name."""

    enabled: EnabledTable | None = None
    rejoin: Literal["external_id", "username"] = "external_id"

    def rules(self, kind: Kind) -> KindRules:
        return replace(super().rules(kind), rejoins_by_username=self.rejoin == "username")

    @property
    def enabled_rule(self) -> EnabledRule | None:
        """`enabled` as a rule of the mapping; None leaves it to the kind of source."""
        table = self.enabled
        return None if table is None else EnabledRule(table.attribute, table.disabled_values, table.enabled_values)
