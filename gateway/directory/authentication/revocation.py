"""Revocation: the rights of a bound party end with the application or the person that they belong to, and with the authority of
the source that accepted the person's password (law 14). Bound parties are compared with the store.

Each process with connections does it once a second for its own; it costs few statements as long as nothing changes."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from gateway.directory.authentication.account_status import AccountStatus
from gateway.directory.authentication.authentication import UTC_NOW, Authentication
from gateway.directory.directory import Party
from gateway.model.applications import Application
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes

AT_ONCE: Final = 1_000
"""People looked up once more in each comparison, those first whose turn is the longest ago: that another source decides about a
password need not change the person, and so is not in the log."""

Identity: TypeAlias = tuple[str, str | None]
"""A person's id, and the source that accepted the password (Party.vouched_by)."""


@dataclass(frozen=True, slots=True)
class RevocationCheck:
    """The result of a comparison. `valid`: the applications, by id, as they are now. `gone`: people who may not log in any
    more, or not with the password that they came with. `passwords`: the application passwords that are still valid, by id.
    `moment`: when they were compared."""

    authentication: Authentication
    valid: Mapping[str, Application]
    gone: frozenset[Identity]
    passwords: frozenset[str]
    moment: datetime

    def refreshed(self, party: Party) -> Party | None:
        """Return the party as it is from now on: the same, one with other rights, or None when it has none any more. An
        application has none when it was removed, disabled, has lost a certificate's name, or when the secret that it used has
        ended."""
        if party.user_id is not None:
            revoked = party.application_password and party.application_password not in self.passwords
            return None if revoked or (party.user_id, party.vouched_by) in self.gone else party
        before = party.application
        if before is None:
            return party
        now = self.valid.get(before.id)
        if now is None or now.secret_version != before.secret_version or not now.accepts(before.secret_used, self.moment):
            return None
        if now.version <= before.version:
            return party
        return self.authentication.party_of(replace(now, secret_used=before.secret_used))


class Revocation:
    """The comparison of bound parties with the store; it remembers the people that were looked up since the last change of the
    log, in the order of their turns."""

    def __init__(self, authentication: Authentication, database: Database, now: Callable[[], datetime] = UTC_NOW) -> None:
        self._authentication = authentication
        self._database = database
        self._now = now
        self._last_change = -1
        self._looked_up: dict[Identity, None] = {}

    async def check(self, parties: Collection[Party]) -> RevocationCheck:
        """Compare these parties with the store. Raises StoreUnavailable: then no party loses its rights."""
        known = {party.application for party in parties if party.application is not None}
        people = {(party.user_id, party.vouched_by) for party in parties if party.user_id is not None}
        used = {party.application_password for party in parties if party.application_password}
        return await self._database.read(lambda connection: self._compare(connection, known, people, used))

    def _compare(
        self, connection: Connection, known: set[Application], people: set[Identity], used: set[str]
    ) -> RevocationCheck:
        versions = applications.versions(connection) if known else {}
        valid = {one.id: one for one in known if versions.get(one.id) == applications.versions_of(one)}
        for application_id in {one.id for one in known if one.id in versions} - valid.keys():
            now = applications.get(connection, application_id)
            valid |= {} if now is None else {now.id: now}
        passwords = application_passwords.valid_among(connection, used) if used else frozenset()
        gone = self._gone(connection, people) if people else frozenset()
        return RevocationCheck(self._authentication, valid, gone, passwords, self._now())

    def _gone(self, connection: Connection, people: set[Identity]) -> frozenset[Identity]:
        last = changes.last(connection)
        if last != self._last_change:
            self._last_change = last
            self._looked_up.clear()
        before = [one for one in self._looked_up if one in people]
        asked = [*(people - self._looked_up.keys()), *before[:AT_ONCE]]
        statuses = self._authentication.accounts_among(connection, {user_id for user_id, _ in asked}) if asked else {}
        gone = frozenset(one for one in asked if not _may_stay(statuses[one[0]], one[1]))
        self._looked_up = dict.fromkeys([*before[AT_ONCE:], *(one for one in asked if one not in gone)])
        return gone


def _may_stay(status: AccountStatus, vouched_by: str | None) -> bool:
    return status.enabled if vouched_by is None else status.is_vouched_for(vouched_by)
