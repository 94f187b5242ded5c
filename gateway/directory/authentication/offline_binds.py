"""Binds while a source cannot be reached: after a good pass-through bind an argon2id verifier is kept for a configured time,
and asked only then. It is forgotten the moment the source refuses that password or accepts another one, and (in the door's
transaction, gateway/sync) when the person may not log in any more, is deleted, or the source reports another password."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from twisted.internet.defer import ensureDeferred

from gateway.directory.authentication.password_hashing import PasswordHashing
from gateway.model.errors import Busy, SourceUnavailable
from gateway.store.engine.database import Database
from gateway.store.objects import passwords

_log = structlog.get_logger("gateway.bind")

MAX_REMEMBERED = 50_000
"""People whose verifier this process knows to be fresh; some 15 MB. A bind of any other costs a hash."""

FRESH = 4
"""A verifier is renewed after this part of its time: people who bind every minute cost four hashes in its whole time."""


class WrongOffline(SourceUnavailable):
    """The source cannot be reached, and it is not the password that it accepted last. It need not be wrong, but guesses
    count."""


class OfflineBinds:
    """The verifiers of offline binds. `seconds`: by source id, the lifetime of a verifier; a source that is not there keeps
    none. `now`: aware UTC."""

    def __init__(
        self, database: Database, hashing: PasswordHashing, seconds: Mapping[str, float], now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._hashing = hashing
        self._lifetimes = {source_id: timedelta(seconds=length) for source_id, length in seconds.items() if length > 0}
        self._now = now
        self._key = secrets.token_bytes(32)
        self._fresh: OrderedDict[tuple[str, str], tuple[bytes, datetime]] = OrderedDict()

    @property
    def enabled(self) -> bool:
        """True when any source keeps verifiers."""
        return bool(self._lifetimes)

    def keeps(self, source_id: str) -> bool:
        """Return whether this source's verifiers are kept."""
        return source_id in self._lifetimes

    async def vouches(self, user_id: str, source_id: str, password: bytes) -> bool:
        """Return whether the source, which cannot be reached, accepted this password lately. Raises Busy. False without a
        verifier, after the same work."""
        lifetime = self._lifetimes.get(source_id)
        if lifetime is None:
            return False
        kept = await self._database.read_inline(lambda c: passwords.verifier(c, user_id, source_id))
        good = kept is not None and self._now() - kept.verified_at < lifetime
        return await self._hashing.verify(kept.hash if kept is not None and good else None, password)

    def accepted(self, user_id: str, source_id: str, password: bytes) -> None:
        """Take note that the source accepted the password. A verifier is stored after the answer."""
        lifetime = self._lifetimes.get(source_id)
        if lifetime is None:
            return
        key, print_, now = (user_id, source_id), self._fingerprint(password), self._now()
        known = self._fresh.get(key)
        if known is not None and known[0] == print_ and now - known[1] < lifetime / FRESH:
            return
        self._fresh[key] = (print_, now)
        self._fresh.move_to_end(key)
        while len(self._fresh) > MAX_REMEMBERED:
            self._fresh.popitem(last=False)
        ensureDeferred(self._keep(key, password, print_, now)).addErrback(
            lambda failure: _log.warning("verifier not kept", user=user_id, source=source_id, error=str(failure.value))
        )

    async def refused(self, user_id: str, source_id: str, password: bytes) -> bool:
        """Take note that the source refused the password: a verifier of it is deleted. Return whether a hash was computed."""
        if source_id not in self._lifetimes:
            return False
        key = (user_id, source_id)
        kept = await self._database.read_inline(lambda c: passwords.verifier(c, user_id, source_id))
        if kept is None:
            return False
        try:
            same = await self._hashing.verify(kept.hash, password)
        except Busy:  # safe in any case: without a verifier there is nothing that could be wrong
            same = True
        if same:
            await self._forget(key)
        return True

    async def forget(self, user_id: str, source_id: str) -> None:
        """Delete the verifier of a password that has been changed through the gateway."""
        if source_id in self._lifetimes:
            await self._forget((user_id, source_id))

    async def _forget(self, key: tuple[str, str]) -> None:
        self._fresh.pop(key, None)
        await self._database.write(lambda c: passwords.forget_verifier(c, *key))

    async def _keep(self, key: tuple[str, str], password: bytes, print_: bytes, now: datetime) -> None:
        kept = await self._database.read_inline(lambda c: passwords.verifier(c, *key))
        try:
            if not self._hashing.has_time:
                raise Busy("no time for verifiers")
            if kept is not None and await self._hashing.verify(kept.hash, password):
                new = kept.hash
            else:
                if kept is not None:  # the old password must not outlive the new one by the time that a hash takes
                    await self._database.write(lambda c: passwords.forget_verifier(c, *key))
                new = await self._hashing.hash(password)
        except Busy:
            if self._fresh.get(key, (b"",))[0] == print_:
                await self._forget(key)
            return
        if self._fresh.get(key, (b"",))[0] == print_:  # else another password has been accepted, or this one refused, meanwhile
            await self._database.write(lambda c: passwords.keep_verifier(c, *key, new, now))

    def _fingerprint(self, password: bytes) -> bytes:
        """Return a fingerprint that distinguishes passwords within this process; it is worthless outside of it."""
        return hashlib.blake2b(password, key=self._key, digest_size=16).digest()
