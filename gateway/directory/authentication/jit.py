"""Who is not known here, and may be known at a source that is to be asked ("just in time"): found there by the login name,
proved by a bind there, and let in through the door like any record, all within one bind here.

A stranger may ask for any name, so: the caller has passed the soft lock; few forms of a name are tried; and that nobody has it
is remembered for some seconds, so that the sources are asked once and not with each try."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.connector import Authenticator, BindOutcome, PolicyNotice
from gateway.model.deltas import Delta
from gateway.model.errors import SourceUnavailable
from gateway.model.jit import JitProvisioner, ProvisionedUser, UserLookup
from gateway.model.objects import Kind, first_text
from gateway.store.engine.normalized_keys import name_key

NOBODY_SECONDS: Final = 10.0
"""How long nobody has a name that no source knew: shorter than it takes to make an account and to tell the person."""

MAX_REMEMBERED: Final = 10_000
"""Names that nobody has; the oldest go first. Some 2 MB of them."""

MAX_LOGINS: Final = 3
"""Login names that one bind name may stand for: user@domain, DOMAIN\\user, and itself."""

_log = structlog.get_logger("gateway.bind")


@dataclass(frozen=True, slots=True)
class JitSource:
    """A source that may be asked for people who are not known here."""

    id: str
    finder: UserLookup
    authenticator: Authenticator


@dataclass(frozen=True, slots=True)
class JitOutcome:
    """What became of it. `entered`: None when a source has the person and refused the password, or when nobody may be made of
    what it has. `reason`: why the source refused, for the audit."""

    entered: ProvisionedUser | None
    source_id: str
    notice: PolicyNotice | None = None
    reason: str = ""


class JitProvisioning:
    """`now` gives seconds that only go forward."""

    def __init__(self, sources: Sequence[JitSource], entrance: JitProvisioner, now: Callable[[], float]) -> None:
        self._sources = sources
        self._entrance = entrance
        self._now = now
        self._nobody: OrderedDict[str, float] = OrderedDict()

    async def admit(self, logins: Sequence[str], password: bytes) -> JitOutcome | None:
        """Let in whoever has one of these login names and this password; None when no source knows the names. Raises
        SourceUnavailable when nobody was let in and a source could not be asked, StoreUnavailable."""
        silent: SourceUnavailable | None = None
        refused: JitOutcome | None = None
        for login in logins[:MAX_LOGINS]:
            if self._is_nobody(name_key(login)):
                continue
            is_known = False
            for source in self._sources:
                try:
                    person = await self._person(source, login)
                    if person is None:
                        continue
                    is_known = True
                    newcomer = await self._asked(source, person, password)
                except SourceUnavailable as error:
                    is_known, silent = True, silent or error
                    continue
                if newcomer.entered is not None:
                    return newcomer
                refused = refused or newcomer
            if not is_known:
                self._remember_nobody(name_key(login))
        if silent is not None:
            raise silent
        return refused

    async def _person(self, source: JitSource, login: str) -> Delta | None:
        """The one who has the login name there."""
        naming, key = NAMING_ATTRIBUTE[Kind.USER], name_key(login)
        found = [one for one in await source.finder.look_up(login) if name_key(first_text(one.attributes, naming)) == key]
        if len(found) > 1:
            _log.warning("unknown person", source=source.id, name=login, found=len(found), cure="give each a name of its own")
            return None
        return next((one for one in found if one.dn and not one.problem), None)

    async def _asked(self, source: JitSource, person: Delta, password: bytes) -> JitOutcome:
        answer = await source.authenticator.authenticate(person.dn, password)
        if answer.outcome is not BindOutcome.ACCEPTED:
            return JitOutcome(None, source.id, answer.notice, answer.reason)
        entered = await self._entrance.provision(source.id, person)
        if entered is None:
            _log.warning("newcomer is left out", source=source.id, dn=person.dn, cure="see gateway status --problems")
        else:
            _log.info("newcomer", source=source.id, dn=person.dn, user_id=entered.user_id)
        return JitOutcome(entered, source.id, answer.notice)

    def _is_nobody(self, key: str) -> bool:
        until = self._nobody.get(key)
        if until is not None and until <= self._now():
            del self._nobody[key]
            return False
        return until is not None

    def _remember_nobody(self, key: str) -> None:
        self._nobody[key] = self._now() + NOBODY_SECONDS
        self._nobody.move_to_end(key)
        while len(self._nobody) > MAX_REMEMBERED:
            self._nobody.popitem(last=False)
