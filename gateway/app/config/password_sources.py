"""The sources that decide passwords, as the tables say it: what must be said before rules may link their people (law 14), and
what is allowed but unwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.app.config.authority_table import AuthorityTable
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.model.objects import Kind
from gateway.sync.rules.correlation import Reaction, Rule

KEY: Final = "[authority] passwords"

OFTEN_SELF_SERVICE: Final = frozenset({"display_name", "email", "mobile_number", "phone_number", "username"})
"""Attributes that directories often let people write themselves (Active Directory: telephones and mail by the right "write
personal information"), or that a help desk changes on demand."""


def authority(table: AuthorityTable, sources: Sequence[SourceTable]) -> PasswordAuthority:
    """Return the rules by which sources decide passwords."""
    return PasswordAuthority([source.name for source in sources if source.authenticates], table.passwords, table.order)


def complaints(table: AuthorityTable, sources: Sequence[SourceTable]) -> Iterator[str]:
    """Yield the complaints about sources whose people log in there: those that decide must be named before rules link."""
    authenticating = [source.name for source in sources if source.authenticates]
    known = {source.name for source in sources}
    for name in table.passwords:
        if name in known and name not in authenticating:
            yield f"{KEY}: nobody logs in with a password of the source {name!r}; take it out, or set authentication = true"
    for source in sources:
        if table.passwords and getattr(source, "jit", False) and source.name not in table.passwords:
            yield f"[[source]] {source.name!r} jit: {KEY} does not name it, so that its passwords let nobody in; name it there"
    if table.passwords:
        return
    for source in sources:
        others = [name for name in authenticating if name != source.name]
        unsaid = [name for name in (source.name, *others) if name not in table.order]
        if source.authenticates and others and unsaid and _linking_rules(source):
            order = ", ".join(f'"{name}"' for name in authenticating)
            yield (
                f"[[source]] {source.name!r}, [source.users] correlation: its rules link people of {' and '.join(others)}, and "
                f"nothing says whose password counts then. Write {KEY} = [{order}], the one that decides first in front, or "
                f"authentication = false for a source with which nobody is to log in"
            )


def warnings(table: AuthorityTable, sources: Sequence[SourceTable]) -> Iterator[str]:
    """Yield a warning for each rule that lets people choose for whom their password counts."""
    authenticating = [source.name for source in sources if source.authenticates]
    for source in sources:
        named = source.name in (table.passwords or table.order) or (not table.passwords and len(authenticating) == 1)
        for rule in _linking_rules(source) if source.authenticates and named else ():
            loose = sorted(OFTEN_SELF_SERVICE.intersection(rule.names))
            if loose:
                yield (
                    f"source {source.name}: {rule.text!r} links by {loose[0]}, and its passwords count: where people may write "
                    f"that attribute themselves, they can log in as somebody whom no source before it has. Correlate by what "
                    f'they cannot write, or set reactions = {{ unlinked = "queue" }} or authentication = false'
                )


def _linking_rules(source: SourceTable) -> Sequence[Rule]:
    """Return the rules by which users are linked without a person."""
    rules = source.correlation()[Kind.USER]
    return rules.rules if rules.unlinked is Reaction.LINK else ()
