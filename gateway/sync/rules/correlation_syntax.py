"""Rules by which records find their objects, as an administrator writes them: "email = lower(email)", or "path"."""

import re
from collections.abc import Iterable
from typing import Final

from gateway.model.expressions import expression
from gateway.model.objects import Kind
from gateway.store.correlation.object_keys import Names
from gateway.sync.rules.correlation import Correlation, Rule
from gateway.sync.rules.correlation_keys import PATH

_NAME = re.compile(r"[a-z][a-z0-9_]*")
EXAMPLE: Final = "employee_number = employee_number"


def parse(text: str) -> Rule:
    """Parse a rule. Left of the first "=" stands an attribute of the directory's object, right of it an expression over the
    record's. Raises ValueError: a sentence with the cure."""
    if text.strip() == PATH:
        return Rule(PATH, _nothing, PATH)
    left, equals, right = (part.strip() for part in text.partition("="))
    if not equals or not right:
        raise ValueError(f'{text!r} is not a rule; write it like "{EXAMPLE}"')
    if not _NAME.fullmatch(left):
        raise ValueError(f'{text!r}: left of the = stands the name of one of our attributes; write it like "{EXAMPLE}"')
    if left == PATH:
        raise ValueError(f'{text!r}: a rule by path has no right side; write "path"')
    try:
        return Rule(left, expression.compile(right), f"{left} = {right}")
    except expression.ExpressionSyntaxError as error:
        raise ValueError(f"{text!r}: {error}") from None


def names(of_sources: Iterable[Correlation]) -> Names:
    """Return the attributes for which keys are to be kept, so that the rules of all sources can be followed."""
    found: dict[Kind, set[str]] = {}
    for correlation in of_sources:
        for kind, rules in correlation.items():
            found.setdefault(kind, set()).update(rule.left for rule in rules.rules)
    return {kind: frozenset(of_kind) for kind, of_kind in found.items() if of_kind}


def _nothing(_: object) -> tuple[str, ...]:
    return ()
