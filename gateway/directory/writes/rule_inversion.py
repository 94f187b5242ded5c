"""The inverse of one rule: which of our attributes a written value goes to, if any. Pure."""

from collections.abc import Collection

from gateway.directory.projection.attribute_rules import Rule
from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.objects import Attributes, Kind, Value

COMPUTED = frozenset({"id", "dn", "domain", "organization_names", "ad_created", "ad_changed", "principal", "account_control"})
"""The names that rules may use and clients cannot write: directory/projection computes them."""

TOLD = frozenset({"primary_group_id", "sam_account_type", "group_type"})
"""The attributes of ours that only a source tells: here nothing would follow from another value."""


INVERTIBLE_FORMS = frozenset({"", "lower"})
"""The spellings that a value which is shown has already, so that it can be written as it is."""


def written_to(rule: Rule) -> str | None:
    """Return our attribute that a written value goes to; None where the rule is not invertible."""
    is_written = rule.names and rule.form in INVERTIBLE_FORMS and rule.names[0] not in COMPUTED | TOLD
    return rule.names[0] if is_written else None


def octets(value: Value) -> bytes:
    return value.encode() if isinstance(value, str) else value


def is_account_control(rule: Rule) -> bool:
    return rule.names[:1] == ("account_control",)


def comes_by_itself(rule: Rule, given_here: Collection[str]) -> bool:
    """Return whether the entry has the attribute whatever is written."""
    return written_to(rule) in (None, *given_here) or bool(rule.template or rule.constants)


def without_second_name(kind: Kind, naming: Rule, edited: Attributes) -> Attributes:
    """Return our attributes of a new entry without a second name that only repeats the object's name, or stands in its place:
    the view falls back to that (a group is called by its cn where it is given no sAMAccountName)."""
    second, first, *_ = (*naming.names, "", "")
    value = edited.get(second)
    if value is None or first != NAMING_ATTRIBUTE[kind] or edited.get(first, value) != value:
        return edited
    return {**{name: values for name, values in edited.items() if name != second}, first: value}
