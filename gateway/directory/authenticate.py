"""Who is it: the application's secret here, a person's password at the source the account came from (pass-through).

An unknown name, a wrong password, a disabled account and a soft lock give the same answer. A source that cannot be asked is
never a wrong password (law 8). Passwords pass through and are not kept."""

from collections.abc import Mapping
from uuid import uuid4

import structlog

from gateway.directory.access import Access, of_application, of_user
from gateway.directory.directory import Directory, Party
from gateway.directory.softlock import SoftLock
from gateway.model import dn
from gateway.model.application import Scope
from gateway.model.dn import DN
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import Kind
from gateway.model.records import Account
from gateway.model.source import Authenticator, BindOutcome
from gateway.store import applications, records, users
from gateway.store.database import Database

_log = structlog.get_logger("gateway.bind")


class InvalidCredentials(Exception):
    """The name or the password is wrong, and nobody is told which."""


class EmptyPassword(Exception):
    """A name without a password: an "unauthenticated bind" (RFC 4513 §5.1.2), which programs mistake for a success."""


NOBODY = Party("", (), Access())


class Authentication:
    """Binds. `authenticators` by source id; a source that is not among them cannot vouch for a password."""

    def __init__(
        self,
        directory: Directory,
        database: Database,
        authenticators: Mapping[str, Authenticator],
        soft_lock: SoftLock,
        *,
        anonymous_views: tuple[str, ...] = (),
        users_see_themselves: bool = True,
    ) -> None:
        self._directory = directory
        self._database = database
        self._authenticators = authenticators
        self._soft_lock = soft_lock
        self._users_see_themselves = users_see_themselves
        everything = Access(scope=Scope()) if anonymous_views else Access()
        self.anonymous = Party("", anonymous_views, everything)

    async def bind(self, name: str, password: bytes, peer: str) -> Party:
        """Who this is. Raises InvalidCredentials, EmptyPassword, SourceUnavailable, StoreUnavailable, dn.InvalidDN."""
        if not name and not password:
            return self.anonymous
        if not password:
            raise EmptyPassword
        parsed = DN.parse(name)
        key = parsed.key
        if not await self._soft_lock.enter(key):
            _log.warning("bind", dn=name, peer=peer, result="locked", cure="wait, or find out who guesses")
            raise InvalidCredentials
        try:
            party = await self._identify(parsed, password)
            if party is None:
                locked = self._soft_lock.failed(key)
                _log.warning("bind", dn=name, peer=peer, result="refused", **({"locked_now": True} if locked else {}))
                raise InvalidCredentials
            self._soft_lock.succeeded(key)
        finally:
            self._soft_lock.leave(key)
        _log.info("bind", dn=party.dn, peer=peer, result="accepted")
        return party

    async def _identify(self, name: DN, password: bytes) -> Party | None:
        located = self._directory.locate(name)
        if located is None:
            return await self._user(None, "", "", password)
        view, key = located
        parent = dn.parent_key(key)
        if parent == view.applications.key and key[len(parent) :].startswith("cn=") and len(name.rdns[0].avas) == 1:
            return await self._application(str(name), view.name, name.rdns[0].avas[0].value, password)
        row = self._directory.reader(view.name).row(key)
        if row is None or row[1] != Kind.USER:
            return await self._user(None, "", view.name, password)
        return await self._user(row[2], row[6], view.name, password)

    async def _application(self, name: str, view: str, application_name: str, password: bytes) -> Party | None:
        secret = password.decode("utf-8", "replace")
        found = await self._database.read(lambda connection: applications.verify(connection, application_name, secret))
        if found is None:
            return None
        views = found.views or tuple(one.name for one in self._directory.views[:1])
        return Party(name, views, of_application(found), application=found) if view in views else None

    async def _user(self, user_id: str | None, name: str, view: str, password: bytes) -> Party | None:
        """For an unknown user everything is done that is done for a known one, with a name that does not exist."""

        # Law of the equal answer: the look-up is made, and an upstream asked, whether or not there is such a user.
        wanted = user_id or str(uuid4())
        user, found = await self._database.read(lambda c: (users.get(c, wanted), records.accounts(c, wanted)))
        asked = [account for account in found if account.source_id in self._authenticators]
        if user is None or not user.enabled or not asked:
            await self._decoy(password)
            return None
        if not await self._ask(asked, password):
            return None
        access = of_user(user_id or "") if self._users_see_themselves else Access()
        return Party(name, (view,), access, user_id=user_id)

    async def _decoy(self, password: bytes) -> None:
        for authenticator in self._authenticators.values():
            await authenticator.decoy(password)
            return

    async def _ask(self, found: list[Account], password: bytes) -> bool:
        """Asks the sources of the accounts in turn. Raises SourceUnavailable when none accepted and one could not be asked."""
        unavailable: SourceUnavailable | None = None
        for account in found:
            try:
                answer = await self._authenticators[account.source_id].authenticate(account.dn, password)
                if answer.outcome is BindOutcome.ACCEPTED:
                    return True
            except SourceUnavailable as error:
                unavailable = error
        if unavailable is not None:
            raise unavailable
        return False
