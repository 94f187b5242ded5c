"""Password authority: which of a person's records vouch for the password (law 14). Pure.

A rule of correlation compares values that people may be able to write; so a link that a rule made says who the user is, not
whose password counts. The configuration says that, a person's decision, or the record that the user was made for."""

from collections.abc import Collection, Sequence

from gateway.model.connector import LOCAL
from gateway.model.records import DECIDED_BY_ADDITION, DECIDED_BY_CREATION, DECIDED_BY_PERSON, DECIDED_BY_RETURN, Account

_MADE_FOR = frozenset({DECIDED_BY_CREATION, DECIDED_BY_RETURN})


class PasswordAuthority:
    """The order of the sources in which they decide. `sources`: those at which people have passwords. `passwords`, `order`: as
    in `[authority]`; with `passwords` no other source decides, without it `order` counts."""

    def __init__(self, sources: Collection[str], passwords: Sequence[str] = (), order: Sequence[str] = ()) -> None:
        self._sources = frozenset(sources)
        self._listed = tuple(source_id for source_id in passwords or order if source_id in self._sources)
        self._only_listed = bool(passwords)

    def vouching(self, accounts: Sequence[Account]) -> tuple[Account, ...]:
        """Return those of a person's accounts whose sources check the password: the deciding one, then those that a person has
        linked. `accounts`: all of the person, in the order in which they were linked."""
        asked = [account for account in accounts if account.source_id in self._sources]
        if not asked:
            return ()
        deciding = self._deciding(accounts, asked)
        by_person = [one for one in asked if one is not deciding and one.decided_by.startswith(DECIDED_BY_PERSON)]
        return tuple(by_person) if deciding is None else (deciding, *by_person)

    def _deciding(self, accounts: Sequence[Account], asked: Sequence[Account]) -> Account | None:
        """Return the account of the source that decides; of several there, the one that was linked first."""
        for source_id in self._listed:
            for account in asked:
                if account.source_id == source_id:
                    return account
        if self._only_listed:
            return None
        if len(self._sources) == 1 and not _is_made_here(accounts):
            return asked[0]
        return next((account for account in asked if account.decided_by in _MADE_FOR), None)


def _is_made_here(accounts: Sequence[Account]) -> bool:
    return any(account.source_id == LOCAL and account.decided_by != DECIDED_BY_ADDITION for account in accounts)
