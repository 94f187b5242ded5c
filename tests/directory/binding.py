"""Everything that a bind needs: people with accounts at scripted upstreams, a view, and a clock that is turned by hand."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.directory.authentication.authentication import Authentication, InvalidCredentials
from gateway.directory.authentication.offline_binds import OfflineBinds
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.directory.authentication.password_check import PasswordCheck
from gateway.directory.authentication.password_hashing import PasswordHashing, hash_blocking
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.directory.directory import Directory, Party
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Application
from gateway.model.connector import BindAnswer, BindOutcome, ChangeAnswer, PolicyNotice
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import User
from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.store.objects import passwords as store
from gateway.store.operations import source_state
from gateway.store.records import former_accounts, record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.twisted_internals.reactor import installed
from tests.directory.worlds import BASE, SOURCE, START, World, group, openldap_view, user

MAX_FAILURES = 3


@dataclass
class Upstream:
    """A source that is asked: it knows passwords by DN, and notes down what it was asked (not with which password). `notice`:
    what its password policy says of every password; `sub_code`: why it refuses the right ones."""

    passwords: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    notice: PolicyNotice | None = None
    sub_code: str = ""
    is_down: bool = False
    held: list[Deferred[None]] | None = None

    async def authenticate(self, dn: str, password: bytes) -> BindAnswer:
        self.asked.append(dn)
        if self.held is not None:
            self.held.append(Deferred())
            await self.held[-1]
        if self.is_down:
            raise SourceUnavailable("the source hr cannot be reached")
        right = self.passwords.get(dn) == password
        if right and not self.sub_code:
            return BindAnswer(BindOutcome.ACCEPTED, self.notice)
        return BindAnswer(BindOutcome.REFUSED, self.notice, sub_code=self.sub_code if right else "")

    async def change(self, dn: str, old: bytes, new: bytes | None) -> ChangeAnswer:
        self.asked.append(f"change {dn}")
        if self.is_down:
            raise SourceUnavailable("the source hr cannot be reached")
        right = self.passwords.get(dn) == old
        return await self.reset(dn, new) if right else ChangeAnswer(49, notice=self.notice)

    async def reset(self, dn: str, new: bytes | None) -> ChangeAnswer:
        self.asked.append(f"reset {dn}")
        if new == b"history":
            return ChangeAnswer(19, "in the history", PolicyNotice(error=8))
        self.passwords[dn] = new or b"chosen there"
        return ChangeAnswer(0, notice=self.notice, generated=None if new else b"chosen there")

    async def decoy(self, password: bytes) -> None:
        await self.authenticate("decoy", password)


ANNA, BEN, CY = user(1, "anna"), user(2, "ben"), replace(user(3, "cy"), enabled=False)
DEE = user(4, "dee")
"""She has accounts at two sources."""
EVE = user(5, "eve")
"""No source can vouch for her."""
FAY = user(6, "fay")
"""She was made for her account at hr; a rule has linked one at crm."""

PEOPLE = f"ou=people,{BASE}"


class Bed:
    """Everything a bind needs. `hr` and `crm` are the upstreams."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.world.put(ANNA, BEN, CY, DEE, EVE, FAY, group(9, "staff"))
        made, chosen, found = "rule:create", "person:test", "rule:email"
        accounts = [(one, SOURCE, made) for one in (ANNA, BEN, CY, DEE, FAY)]
        accounts += [(DEE, "crm", chosen), (EVE, "file", made), (FAY, "crm", found)]
        self.world.database.write_blocking(lambda c: self._link(c, accounts))
        self.hr = Upstream({"cn=anna,o=hr": b"right", "cn=cy,o=hr": b"right"})
        self.crm = Upstream({"cn=dee,o=crm": b"right", "cn=fay,o=crm": b"right"})
        updater = self.world.build(openldap_view(), "view")
        updater.close()
        self.reader: ViewReader | None = ViewReader(ViewFile(folder / "view", openldap_view()))
        self.clock = Clock()
        self.hashing = PasswordHashing(installed())
        self.follower = SimpleNamespace(view=openldap_view(), reader=self.reader)
        self.authentication = self.make()

    def make(self, **options: Any) -> Authentication:
        """`views`: served in the place of the one, from the same file. `offline_seconds`: by source. `changers`, `resetters`:
        the sources whose passwords can be changed. `authority`: whose passwords count."""
        upstreams = {SOURCE: self.hr, "crm": self.crm}
        views = options.pop("views", [self.follower.view])
        followers = [self.follower, *(SimpleNamespace(view=view, reader=self.reader) for view in views[1:])]
        self.follower.view = views[0]
        directory = Directory(followers)
        changers, resetters = ({name: upstreams[name] for name in options.pop(key, ())} for key in ("changers", "resetters"))
        lock = SoftLock(self.clock.seconds, MAX_FAILURES, 60)
        database = self.world.database
        self.offline = OfflineBinds(database, self.hashing, options.pop("offline_seconds", {}), self.now)
        authority = options.pop("authority", None)
        passwords = PasswordCheck(database, upstreams, self.hashing, self.offline, authority=authority)
        made = Authentication(directory, database, passwords, lock, **options)
        self.changes = PasswordChanges(
            database, made, passwords, self.hashing, self.offline, self.now, changers=changers, resetters=resetters
        )
        return made

    def set_local(self, person: User, password: bytes) -> None:
        """Set a local password, even for a person for whom a source vouches."""
        self.world.database.write_blocking(
            lambda c: store.set_local(c, person.id, hash_blocking(password), by="test", now=START)
        )

    def leave(self, person: User, source: str) -> None:
        """Let the source have the person no more."""

        def work(connection: Connection) -> None:
            rows = [row for row in record_rows.linked_to(connection, (person.id,)) if row.source_id == source]
            former_accounts.add(connection, rows, self.now())
            record_rows.remove(connection, [row.id for row in rows])

        self.world.database.write_blocking(work)

    def now(self) -> datetime:
        """The time of the clock."""
        return START + timedelta(seconds=self.clock.seconds())

    @staticmethod
    def _link(connection: Connection, accounts: list[tuple[User, str, str]]) -> None:
        for number, (person, source, by) in enumerate(accounts, 1):
            source_state.ensure(connection, source, "ldap")
            name = f"cn={person.username},o={source}"
            row = RecordRow(
                number, source, "user", f"x{number}", name, f"k{number}", None, "{}", None, "linked", "", person.id, by, number
            )
            record_rows.insert(connection, [row])

    def add_application(self, name: str, **rights: Any) -> tuple[Application, bytes]:
        application, secret = self.world.database.write_blocking(lambda c: applications.add(c, name, now=START, **rights))
        return application, secret.encode()

    async def bind(self, name: str, password: bytes) -> Party:
        return (await self.authentication.bind(name, password, "192.0.2.1:5")).party

    async def refused(self, name: str, password: bytes = b"wrong") -> None:
        with pytest.raises(InvalidCredentials) as caught:
            await self.bind(name, password)
        assert not caught.value.args

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()
        self.hashing.close()
        self.world.close()
