"""Just-in-time provisioning: a user who is unknown here is looked up at the sources by the login name, authenticated by a bind
there, and provisioned through the door like any record, all within one bind here.

A stranger may try any name, so: the caller has passed the soft lock; few forms of a name are tried; and unknown names are
remembered for some seconds, so that the sources are asked once and not with each try."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.model.attributes import NAMING_ATTRIBUTE, USER_PRINCIPAL_NAME
from gateway.model.connector import Authenticator, BindOutcome, PolicyNotice
from gateway.model.deltas import Delta
from gateway.model.errors import SourceUnavailable
from gateway.model.jit import DecidedElsewhere, JitProvisioner, ProvisionedUser, UserLookup
from gateway.model.objects import Kind, first_text
from gateway.store.engine.normalized_keys import name_key

UNKNOWN_NAME_SECONDS: Final = 10.0
"""The time for which a name that no source knew counts as unknown: shorter than it takes to make an account and to inform its
user."""

MAX_REMEMBERED: Final = 10_000
"""Unknown names that are remembered; the oldest go first. Some 2 MB of them."""

MAX_LOGINS: Final = 3
"""The login names that one bind name may stand for: user@domain, DOMAIN\\user, and itself."""

LEFT_OUT: Final = "the source accepted, but its record makes no user"

_log = structlog.get_logger("gateway.bind")


@dataclass(frozen=True, slots=True)
class JitSource:
    """A source that may be asked for users who are unknown here."""

    id: str
    finder: UserLookup
    authenticator: Authenticator


@dataclass(frozen=True, slots=True)
class JitOutcome:
    """The outcome. `provisioned`: the provisioned user; None when a source has the user and refused the password, or when its
    record may not become a user. `reason`: the source's reason for refusing, for the audit; `sub_code`: BindAnswer's."""

    provisioned: ProvisionedUser | None
    source_id: str
    notice: PolicyNotice | None = None
    reason: str = ""
    sub_code: str = ""


class JitProvisioning:
    """Just-in-time provisioning from several sources. `now` gives seconds that only go forward."""

    def __init__(self, sources: Sequence[JitSource], provisioner: JitProvisioner, now: Callable[[], float]) -> None:
        self._sources = sources
        self._provisioner = provisioner
        self._now = now
        self._unknown: OrderedDict[str, float] = OrderedDict()

    async def provision(self, logins: Sequence[str], password: bytes) -> JitOutcome | None:
        """Provision the user who has one of these login names and this password; None when no source knows the names. Raises
        SourceUnavailable when no user was provisioned and a source could not be asked, StoreUnavailable."""
        silent: SourceUnavailable | None = None
        refused: JitOutcome | None = None
        for login in logins[:MAX_LOGINS]:
            if self._is_unknown(name_key(login)):
                continue
            is_known = False
            for source in self._sources:
                try:
                    person = await self._person(source, login)
                    if person is None:
                        continue
                    is_known = True
                    outcome = await self._authenticate(source, person, password)
                except SourceUnavailable as error:
                    is_known, silent = True, silent or error
                    continue
                if outcome.provisioned is not None:
                    return outcome
                refused = refused or outcome
            if not is_known:
                self._remember_unknown(name_key(login))
        if silent is not None:
            raise silent
        return refused

    async def _person(self, source: JitSource, login: str) -> Delta | None:
        """Return the one user who has the login name, or the userPrincipalName, at the source."""
        found = [one for one in await source.finder.look_up(login) if name_key(login) in _names(one)]
        if len(found) > 1:
            _log.warning("unknown person", source=source.id, name=login, found=len(found), cure="give each a name of its own")
            return None
        return next((one for one in found if one.dn and not one.problem), None)

    async def _authenticate(self, source: JitSource, person: Delta, password: bytes) -> JitOutcome:
        answer = await source.authenticator.authenticate(person.dn, password)
        if answer.outcome is not BindOutcome.ACCEPTED:
            return JitOutcome(None, source.id, answer.notice, answer.reason, answer.sub_code)
        try:
            provisioned = await self._provisioner.provision(source.id, person)
        except DecidedElsewhere as error:
            cure = "gateway explain user says whose password counts, gateway links link lets this one count as well"
            _log.warning("user belongs to another", source=source.id, dn=person.dn, user_id=error.user_id, cure=cure)
            return JitOutcome(None, source.id, answer.notice, "its password does not count for the user that it belongs to")
        if provisioned is None:
            _log.warning("user is not provisioned", source=source.id, dn=person.dn, cure="see gateway status --problems")
        else:
            _log.info("user provisioned", source=source.id, dn=person.dn, user_id=provisioned.user_id)
        return JitOutcome(provisioned, source.id, answer.notice, "" if provisioned is not None else LEFT_OUT)

    def _is_unknown(self, key: str) -> bool:
        until = self._unknown.get(key)
        if until is not None and until <= self._now():
            del self._unknown[key]
            return False
        return until is not None

    def _remember_unknown(self, key: str) -> None:
        self._unknown[key] = self._now() + UNKNOWN_NAME_SECONDS
        self._unknown.move_to_end(key)
        while len(self._unknown) > MAX_REMEMBERED:
            self._unknown.popitem(last=False)


def _names(person: Delta) -> set[str]:
    """Return the keys of the names by which the person of a record logs in."""
    named = (first_text(person.attributes, name) for name in (NAMING_ATTRIBUTE[Kind.USER], USER_PRINCIPAL_NAME))
    return {name_key(name) for name in named if name}
