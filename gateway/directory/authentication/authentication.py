"""Binds: an application by its secret or its certificate, a person by a password (password_check.py decides which one counts).

An unknown name, a wrong password, a disabled account and a soft lock give the same answer. A source that cannot be asked is
never a wrong password (law 8). Passwords pass through; none is kept as it came."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

from twisted.internet.defer import CancelledError

from gateway.directory.access import DEFAULT_USER_ACCESS, Access, UserAccess, of_application, of_user
from gateway.directory.authentication.account_status import AccountStatus
from gateway.directory.authentication.bind_admission import BindAdmission
from gateway.directory.authentication.bind_audit import PROXIED, SIMPLE, BindAudit, Mechanism
from gateway.directory.authentication.bind_names import BindIdentity, BindNames, is_application_key, with_application_password
from gateway.directory.authentication.client_certificates import CertificateNames
from gateway.directory.authentication.offline_binds import WrongOffline
from gateway.directory.authentication.password_check import OWN, PasswordCheck
from gateway.directory.authentication.soft_lock.lock import SoftLock, bounded
from gateway.directory.directory import Directory, Party
from gateway.directory.read_your_writes import ReadYourWrites
from gateway.directory.search.query import NoSuchObject
from gateway.model.applications import Application, ApplicationPassword, Grant, Scope
from gateway.model.connector import PolicyNotice
from gateway.model.errors import Busy
from gateway.model.jit import ProvisionedUser
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN, InvalidDN
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.objects import users

T = TypeVar("T")

UTC_NOW: Final = partial(datetime.now, UTC)
"""The clock where none is handed in."""


TOO_MANY: Final = "too many wrong passwords"
NOT_THE_LAST: Final = "not the password that the source accepted last; it cannot be reached"


class InvalidCredentials(Exception):
    """The name or the password is wrong; the client does not learn which. `notice`: of the source's password policy;
    `sub_code`: BindAnswer's, for a client of a view of Active Directory; `reason` and `audit`: for the audit line: why, and
    which source."""

    def __init__(self, notice: PolicyNotice | None = None, *, reason: str, sub_code: str = "", **audit: str) -> None:
        super().__init__()
        self.notice = notice
        self.reason = reason
        self.sub_code = sub_code
        self.audit = audit


class EmptyPassword(Exception):
    """A name without a password: an "unauthenticated bind" (RFC 4513 §5.1.2), which programs mistake for a success."""


class AuthorizationDenied(Exception):
    """The bound party may not act as this identity (RFC 4370 §3), or there is none such; the client does not learn which."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A bind that succeeded. `notice`: of the source's password policy; `audit`: fields of its audit line."""

    party: Party
    notice: PolicyNotice | None = None
    audit: Mapping[str, object] = field(default_factory=dict, compare=False)


class Authentication:
    """The authentication of parties: binds, and proxied authorization."""

    def __init__(
        self,
        directory: Directory,
        database: Database,
        passwords: PasswordCheck,
        soft_lock: SoftLock,
        *,
        anonymous_views: tuple[str, ...] = (),
        user_access: Mapping[str, UserAccess] | None = None,
        read_your_writes: ReadYourWrites | None = None,
        admission: BindAdmission | None = None,
        audit: BindAudit | None = None,
        now: Callable[[], datetime] = UTC_NOW,
    ) -> None:
        """`user_access`: what people who are bound see, by view; else DEFAULT_USER_ACCESS. `read_your_writes`: given where
        just-in-time provisioning is on. `admission`: shares out the binds in progress; without it they are not. `audit`:
        without it no refused binds are summed up."""
        self._audit = audit or BindAudit()
        self._now = now
        self._directory = directory
        self._database = database
        self._passwords = passwords
        self._soft_lock = soft_lock
        self._admission = admission
        self._names = BindNames(directory, database, jit=read_your_writes is not None)
        self._read_your_writes = read_your_writes
        self._of_applications = {view.name: str(view.applications) for view in directory.views}
        self._user_access = user_access or {}
        everything = Access(scope=Scope()) if anonymous_views else Access()
        self.anonymous = Party("", anonymous_views, everything)

    async def bind(self, name: str, password: bytes, peer: str, mechanism: Mechanism = SIMPLE) -> Bound:
        """Bind a name with a password; `name` in any form that a view takes (bind_names.py). Raises InvalidCredentials,
        EmptyPassword, SourceUnavailable, StoreUnavailable, Busy, ViewNotReady, dn.InvalidDN."""
        if not name and not password:
            return Bound(self.anonymous)
        given = {"dn": name, **mechanism.audit}
        if not password:
            self._audit.refused(peer, "no password was sent", given)
            raise EmptyPassword
        try:
            named = await self._names.find(name)
        except InvalidDN:  # not written: what is no name may be a password that was typed into the wrong field
            reason = f"neither a DN nor a name of a form that a view takes ({len(name):,} characters)"
            self._audit.refused(peer, reason, mechanism.audit)
            raise
        key = with_application_password(named.key) if application_passwords.has_form(password) else named.key
        bound = await self.guarded(key, _shown(name, named), peer, lambda: self._identify(named, password), mechanism)
        return self._authorized(bound, peer, mechanism)

    async def guarded(
        self, key: str, name: str, peer: str, work: Callable[[], Awaitable[T]], mechanism: Mechanism = SIMPLE
    ) -> T:
        """Return the result of `work` under the soft lock, when it is the address's turn. It raises InvalidCredentials or
        WrongOffline for a wrong password; after too many of them InvalidCredentials is raised at once. `key`: BindIdentity.key;
        `name`: as it was given, for the log."""
        key = bounded(key)
        if self._admission is None:
            return await self._unlocked(key, name, peer, work, mechanism)
        turn = await self._admission.enter(key, peer)
        try:
            answer = await self._unlocked(key, name, peer, work, mechanism)
        except (InvalidCredentials, WrongOffline):
            turn.failed()
            raise
        else:
            turn.succeeded()
            return answer
        finally:
            self._admission.leave(turn)

    async def _unlocked(self, key: str, name: str, peer: str, work: Callable[[], Awaitable[T]], mechanism: Mechanism) -> T:
        if not await self._soft_lock.enter(key):
            locked_out = {"dn": name, **mechanism.audit, "cure": "wait, or find out who guesses"}
            self._audit.refused(peer, TOO_MANY, locked_out, "locked")
            raise InvalidCredentials(reason=TOO_MANY)
        try:
            answer = await work()
        except (InvalidCredentials, WrongOffline) as error:
            locked = self._soft_lock.failed(key)
            reason, why = (error.reason, error.audit) if isinstance(error, InvalidCredentials) else (NOT_THE_LAST, {})
            now = {"locked_now": True} if locked else {}
            self._audit.refused(peer, reason, {"dn": name, **mechanism.audit, **why, **now})
            raise
        except CancelledError:  # the client has gone, and the source may have been asked: else guesses would cost nothing
            if not is_application_key(key):
                self._soft_lock.failed(key)
            raise
        else:
            self._soft_lock.succeeded(key)
            return answer
        finally:
            self._soft_lock.leave(key)

    def _authorized(self, bound: Bound, peer: str, mechanism: Mechanism) -> Bound:
        """Return what was bound, if it may act as the identity that it asked for. Raises InvalidCredentials."""
        fields = {"dn": bound.party.dn, **mechanism.audit, **bound.audit}
        if not mechanism.permits(bound.party):
            reason = "the authorization identity is not its own"
            self._audit.refused(peer, reason, fields)
            raise InvalidCredentials(reason=reason)
        self._audit.accepted(peer, fields)
        return bound

    async def bind_certificate(self, names: CertificateNames, peer: str, mechanism: Mechanism = SIMPLE) -> Party:
        """Return the application that a verified client certificate names. Raises InvalidCredentials, StoreUnavailable."""
        for application in await self._database.read(applications.all_applications):
            party = self.party_of(application)
            matched = names.match(application.certificate_names)
            if application.enabled and party is not None and matched is not None:
                return self._authorized(Bound(party, audit={**names.audit, "name": matched}), peer, mechanism).party
        cure = "give its name to an application that is enabled"
        reason = "no enabled application has the certificate's name"
        self._audit.refused(peer, reason, {**names.audit, "names": names.written, **mechanism.audit, "cure": cure})
        raise InvalidCredentials(reason=reason)

    async def party_for(self, authz_id: str, party: Party, peer: str = "") -> Party:
        """Return the party as `_party_for` does, with an audit line. Raises as it."""
        fields = {"dn": party.dn, "authzid": authz_id}
        try:
            found = await self._party_for(authz_id, party)
        except AuthorizationDenied:
            reason = 'no grant "proxy", or no such identity that the application sees'
            self._audit.refused(peer, reason, fields, event=PROXIED)
            raise
        self._audit.accepted(peer, {**fields, "as": found.dn or "anonymous"}, event=PROXIED)
        return found

    async def _party_for(self, authz_id: str, party: Party) -> Party:
        """Return the party as which an operation is carried out that `party` requests with an authzId (RFC 4513 §5.2.1.8):
        "dn:…", "u:…" (a login name), or "" for anonymous. Only applications with the grant may, and only as people whom they
        see. The party sees and reads then what both may. Raises AuthorizationDenied, ViewNotReady, StoreUnavailable."""
        application = party.application
        if application is None or Grant.PROXY not in application.grants:
            raise AuthorizationDenied
        if not authz_id:
            return _within(self.anonymous, party)
        named = await self.identity_of(authz_id, party)
        if named is None or named.user_id is None or not self.sees(party, named):
            raise AuthorizationDenied
        user = await self._database.read(lambda connection: users.get(connection, named.user_id or ""))
        if user is None or not user.enabled:
            raise AuthorizationDenied
        return _within(self._person(named), party)

    def sees(self, party: Party, named: BindIdentity) -> bool:
        """Return whether the entry that was found is visible to this party."""
        if named.view not in party.views:
            return False
        try:
            self._directory.searcher(named.view, party.access).find(DN.parse(named.name).key)
        except NoSuchObject:
            return False
        return True

    def party_of(self, application: Application, view: str = "") -> Party | None:
        """Return the application as a bound party, named as in `view` ("": the first that it is granted); None when it is not
        granted that view."""
        views = application.views or tuple(one.name for one in self._directory.views[:1])
        known = {one.name: one for one in self._directory.views if one.name in views}
        definition = known.get(view) if view else next(iter(known.values()), None)
        if definition is None:
            return None
        name = f"cn={dn.escape(application.name)},{self._of_applications[definition.name]}"
        return Party(name, views, of_application(application), application=application)

    async def identity_of(self, authz_id: str, party: Party) -> BindIdentity | None:
        """Return the identity that an authzId names for this party: "dn:…", or "u:…" with a login name; None when it has
        neither form."""
        form, _, name = authz_id.partition(":")
        if form.lower() == "u":
            return await self._names.find_login(name, self._directory.granted(party))
        try:
            return self._names.by_dn(DN.parse(name)) if form.lower() == "dn" else None
        except InvalidDN:
            return None

    async def named(self, name: str) -> BindIdentity:
        """Return the identity that a bind name means. Raises InvalidDN, ViewNotReady."""
        return await self._names.find(name)

    async def _identify(self, named: BindIdentity, password: bytes) -> Bound:
        if named.application is not None:
            party = await self._application(named, named.application, password)
            if party is None:
                raise InvalidCredentials(source=OWN, reason="no application with this secret and view")
            return Bound(party)
        proof = await self._passwords.check(named.user_id, password, named.logins if named.candidates else ())
        if not proof.right:
            sub_code = proof.sub_code if self._is_active_directory(named) else ""
            raise InvalidCredentials(proof.notice, reason=proof.refusal, sub_code=sub_code, source=proof.vouching)
        if proof.provisioned is not None:
            named = await self._provisioned(named, proof.provisioned)
        used = proof.application_password
        how = {"offline": True} if proof.offline else {}
        via = {"application_password": used.name, "application": used.application_name} if used else {}
        vouched_by = proof.source_id if used is None else None
        return Bound(self._person(named, used, vouched_by), proof.notice, {"source": proof.vouching, **how, **via})

    def _is_active_directory(self, named: BindIdentity) -> bool:
        """Return whether the name was given in a view of Active Directory."""
        views = {named.view, *(view for view, _ in named.candidates)}
        return any(view.kind == "ad" and view.name in views for view in self._directory.views)

    async def _provisioned(self, named: BindIdentity, user: ProvisionedUser) -> BindIdentity:
        """Return a just provisioned user as the views show them, when they do. Raises InvalidCredentials, Busy."""
        for view in dict.fromkeys(view for view, _ in named.candidates):
            if self._read_your_writes is not None and not await self._read_your_writes.wait_for(view, user.change_number):
                raise Busy("you are known now; try again when the directory shows it")
            found = self._names.entry(view, user.user_id)
            if found is not None:
                return found
        raise InvalidCredentials(reason="no view shows the user")

    async def _application(self, named: BindIdentity, application_name: str, password: bytes) -> Party | None:
        secret = password.decode("utf-8", "replace")
        found = await self._database.read_inline(
            lambda connection: applications.verify(connection, application_name, secret, self._now())
        )
        return None if found is None else self.party_of(found, named.view)

    def accounts_among(self, connection: Connection, user_ids: Collection[str]) -> Mapping[str, AccountStatus]:
        """Return the account statuses of these people, who need not exist."""
        return self._passwords.accounts_among(connection, user_ids)

    def _person(self, named: BindIdentity, used: ApplicationPassword | None = None, vouched_by: str | None = None) -> Party:
        user_id = named.user_id or ""
        access = of_user(user_id, self._user_access.get(named.view, DEFAULT_USER_ACCESS))
        password_id = used.id if used else ""
        return Party(
            named.name,
            (named.view,),
            access,
            user_id=user_id,
            proved=vouched_by is not None,
            application_password=password_id,
            vouched_by=vouched_by,
        )


def _within(acted_for: Party, party: Party) -> Party:
    """Return the party that is acted for with no more than the one that acts for it may see and read itself."""
    views = tuple(view for view in acted_for.views if view in party.views)
    return replace(acted_for, views=views, access=acted_for.access.within(party.access))


def _shown(name: str, named: BindIdentity) -> str:
    """Return a bind name for the audit. A bare word that is nobody's login name is not written: it may be a password that was
    typed into the wrong field."""
    if named.user_id is not None or named.application is not None or any(mark in name for mark in "=@\\"):
        return name
    return f"a word that is nobody's name ({len(name):,} characters)"
