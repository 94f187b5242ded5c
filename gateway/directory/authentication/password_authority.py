"""Password authority: which of a person's records vouch for the password (law 14). Pure.

A rule of correlation compares values that people may be able to write; so a link that a rule made says who the user is, not
whose password counts. The configuration says that, a person's decision, or the record that the user was made for. A source that
decided and has the user no more has not handed that right on: until a person says so, no other source that is left takes its
place, nor does a local password of before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.model.connector import LOCAL
from gateway.model.records import DECIDED_BY_ADDITION, DECIDED_BY_CREATION, DECIDED_BY_PERSON, DECIDED_BY_RETURN, Account
from gateway.store.records.former_accounts import FormerAccount

_MADE_FOR = frozenset({DECIDED_BY_CREATION, DECIDED_BY_RETURN})


class PasswordReason(StrEnum):
    """The reason for which a source checks the password of a person."""

    LISTED = "[authority] passwords"
    ORDER = "[authority] order"
    ONLY_ONE = "it is the only source with passwords"
    MADE_FOR = "the user was made for its record"
    PERSON = "a person has linked it"


@dataclass(frozen=True, slots=True)
class PasswordDecision:
    """`vouching`: those of a person's accounts whose sources check the password, the deciding one first, then those that a
    person has linked; `reasons`: for each of them. `left`: the former account of the source that decided and has the person no
    more."""

    vouching: tuple[Account, ...] = ()
    reasons: tuple[PasswordReason, ...] = ()
    left: FormerAccount | None = None

    def takes_local(self, set_at: datetime | None) -> bool:
        """Return whether a local password counts that was set then: not beside a source, nor one of before the source that
        decided had the person no more."""
        return not self.vouching and set_at is not None and (self.left is None or set_at > self.left.left_at)


class PasswordAuthority:
    """The order of the sources in which they decide. `sources`: those at which people have passwords. `passwords`, `order`: as
    in `[authority]`; with `passwords` no other source decides, without it `order` counts."""

    def __init__(self, sources: Collection[str], passwords: Sequence[str] = (), order: Sequence[str] = ()) -> None:
        self._sources = frozenset(sources)
        self._listed = tuple(source_id for source_id in passwords or order if source_id in self._sources)
        self._only_listed = bool(passwords)

    @property
    def listed(self) -> tuple[str, ...]:
        """The sources that decide by their place in the configuration, the first in front."""
        return self._listed

    def decide(self, accounts: Sequence[Account], former: Sequence[FormerAccount] = ()) -> PasswordDecision:
        """Return the decision about a person's password. `accounts`: all of the person, in the order in which they were linked;
        `former`: those that the person had; one of a source that has the person again counts no more."""
        there = {account.source_id for account in accounts}
        asked = [account for account in accounts if account.source_id in self._sources]
        missed = [one for one in former if one.account.source_id in self._sources - there]
        if not asked and not missed:
            return PasswordDecision()
        were = [one.account for one in missed]
        deciding, reason = self._deciding([*accounts, *were], [*asked, *were])
        left = next((one for one in missed if one.account is deciding), None)
        by_person = [one for one in asked if one is not deciding and one.decided_by.startswith(DECIDED_BY_PERSON)]
        reasons = [PasswordReason.PERSON] * len(by_person)
        if deciding is None or reason is None or left is not None:
            return PasswordDecision(tuple(by_person), tuple(reasons), left)
        return PasswordDecision((deciding, *by_person), (reason, *reasons))

    def is_vouched_for(self, accounts: Sequence[Account], former: Sequence[FormerAccount]) -> bool:
        """Return whether any source checks the password of a person with these accounts, as in `decide`."""
        return bool(self.decide(accounts, former).vouching)

    def _deciding(
        self, accounts: Sequence[Account], asked: Sequence[Account]
    ) -> tuple[Account, PasswordReason] | tuple[None, None]:
        """Return the account of the source that decides, and why it does; of several there, the one that was linked first."""
        for source_id in self._listed:
            for account in asked:
                if account.source_id == source_id:
                    return account, PasswordReason.LISTED if self._only_listed else PasswordReason.ORDER
        if self._only_listed:
            return None, None
        if len(self._sources) == 1 and not _is_made_here(accounts):
            return asked[0], PasswordReason.ONLY_ONE
        made_for = next((account for account in asked if account.decided_by in _MADE_FOR), None)
        return (None, None) if made_for is None else (made_for, PasswordReason.MADE_FOR)


def _is_made_here(accounts: Sequence[Account]) -> bool:
    return any(account.source_id == LOCAL and account.decided_by != DECIDED_BY_ADDITION for account in accounts)
