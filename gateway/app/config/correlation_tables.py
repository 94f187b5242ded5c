"""How the records of a source find their objects, and what becomes of those that find none: keys that the tables of all kinds
of sources share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from gateway.app.config.value_types import listed
from gateway.model.objects import Kind
from gateway.sync.objects.leavers import DEPARTURES
from gateway.sync.rules import correlation_syntax
from gateway.sync.rules.correlation import KindRules, Reaction
from gateway.sync.rules.correlation_keys import PATH


def _rule(text: str) -> str:
    return correlation_syntax.parse(text).text


RuleTexts = Annotated[tuple[Annotated[str, AfterValidator(_rule)], ...], BeforeValidator(listed)]


class ReactionsTable(BaseModel):
    """`[source.users.reactions]` and so on: what becomes of records in each situation. `deleted` is about objects whose last
    record is gone; None is what fits the kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unlinked: Literal["link", "queue", "ignore"] = "link"
    unmatched: Literal["create", "queue", "ignore"] = "create"
    disputed: Literal["queue", "ignore"] = "queue"
    deleted: Literal["disable", "delete", "keep"] | None = None


class LinkedTable(BaseModel):
    """A table about the records of one kind. `correlation`: rules such as "email = lower(mail)", in order. `several_records`:
    whether two records of the source may have one object."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    correlation: RuleTexts = ()
    reactions: ReactionsTable = ReactionsTable()
    several_records: bool = False

    def rules(self, kind: Kind) -> KindRules:
        """The keys in the door's words. Raises ValueError for what does not fit the kind."""
        rules = tuple(correlation_syntax.parse(text) for text in self.correlation)
        if kind is not Kind.ORGANIZATION and any(rule.left == PATH for rule in rules):
            raise ValueError(f'a {kind} has no path; the rule "path" is for organizations')
        if kind is not Kind.USER and self.reactions.deleted == "disable":
            raise ValueError(f'a {kind} cannot be disabled; write deleted = "delete" or deleted = "keep"')
        said = self.reactions
        return KindRules(
            rules,
            Reaction(said.unlinked),
            Reaction(said.unmatched),
            Reaction(said.disputed),
            several=self.several_records,
            deleted=DEPARTURES[kind] if said.deleted is None else Reaction(said.deleted),
        )
