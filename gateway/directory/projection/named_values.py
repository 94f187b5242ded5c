"""The values that rules may name besides an object's attributes, as far as they follow from those
(view_definition.NAMED). Pure.

The rules are given the same values when an entry is made and when a write to it is judged."""

import re
from typing import TypeAlias

from gateway.directory.projection.view_definition import View
from gateway.model.objects import Attributes, Kind, Value, first_text

NamedValues: TypeAlias = dict[str, tuple[Value, ...]]


NORMAL_ACCOUNT, DISABLED = 0x200, 0x2
"""userAccountControl bits ([MS-ADTS] §2.2.16)."""

_FLAGS = re.compile(r"[0-9]{1,10}")


def derived(view: View, kind: Kind, own: Attributes, attributes: Attributes) -> NamedValues:
    """Return the values that follow from an object. `own`: its name (`username`, `name`) and whether it is `enabled`."""
    named: NamedValues = {"domain": (view.domain,)} if view.domain else {}
    if kind is Kind.USER:
        if name := _principal(view, first_text(own, "username")):
            named["principal"] = (name,)
        named["account_control"] = (str(account_control(attributes, first_text(own, "enabled") != "false")),)
    return named


def account_control(attributes: Attributes, enabled: bool) -> int:
    """Return a person's userAccountControl: the flags that the source tells, else those of a normal account. Whether the
    account is disabled is decided here: by its source or another, or by an administrator."""
    told = first_text(attributes, "user_account_control")
    flags = int(told) if _FLAGS.fullmatch(told) else NORMAL_ACCOUNT
    return flags & ~DISABLED if enabled else flags | DISABLED


def _principal(view: View, login: str) -> str:
    """Return the userPrincipalName of a person for whom no source has one: the login name and the view's domain; a login name
    that is a mail address is one already. "" where the view has no domain."""
    if "@" in login:
        return login
    return f"{login}@{view.domain}" if login and view.domain else ""
