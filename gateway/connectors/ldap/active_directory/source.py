"""The source of kind `active_directory`: everything is compared once, and from then on what has changed is read.

A position belongs to one controller's database. With another controller, or when the controller cannot go on from it, all is
compared anew: a comparison neither loses a deletion nor repeats one, because entries are known by their objectGUID."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final

from gateway.connectors import full_comparison
from gateway.connectors.ldap.active_directory import check
from gateway.connectors.ldap.active_directory import watermark as domain_watermark
from gateway.connectors.ldap.active_directory.account_expiry import Expiring
from gateway.connectors.ldap.active_directory.change_notification import Notification
from gateway.connectors.ldap.active_directory.change_tracker import Changes, NotAllowed, PositionRefused, Tracker
from gateway.connectors.ldap.active_directory.controller import (
    DomainController,
    heard_from,
    highest_usn,
    identify,
    shows_tombstones,
)
from gateway.connectors.ldap.active_directory.dirsync import DirSyncTracker
from gateway.connectors.ldap.active_directory.reader import ControllerReader
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode, ActiveDirectorySettings
from gateway.connectors.ldap.active_directory.usn import UsnTracker
from gateway.connectors.ldap.active_directory.watermark import Position
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.connect import connect
from gateway.connectors.ldap.client.errors import UpstreamUnavailable
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.connector import CheckItem
from gateway.model.deltas import Batch, Delta, Watermark

HEARTBEAT_SECONDS: Final = 2.0  # the reader gets control back this often when nothing happens; the Protocol asks for 5
LONGEST_LAG: Final = timedelta(minutes=15)  # replication between sites has a schedule, of a quarter of an hour at best
MARK_SECONDS: Final = 60.0  # a position that nothing came of is worth a transaction only now and then


def present_time() -> datetime:
    """The present, aware, UTC."""
    return datetime.now(UTC)


class ActiveDirectorySource:
    """A Source (gateway.model.connector)."""

    source_type = "ad"

    def __init__(self, settings: ActiveDirectorySettings, now: Callable[[], datetime] = present_time) -> None:
        self.id = settings.id
        self._settings = settings
        self._now = now
        self._interruption = Interruption()
        self._behind: dict[str, datetime] = {}
        """By their invocationIds, controllers that lag behind the one that was read, and since when that is known."""

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """See Source.read. Where tombstones cannot be seen it ends after having compared what there is."""
        self._interruption = Interruption()
        return self._read(domain_watermark.decode(self._settings, watermark), follow, self._interruption)

    def check(self) -> Iterator[CheckItem]:
        """See Source.check."""
        self._interruption = Interruption()
        return check.items(self._settings, self._interruption, self._now)

    def close(self) -> None:
        """See Source.close: ends the read or check that is under way; a later `read` works again."""
        self._interruption.stop()

    def _read(self, stored: Position | None, follow: bool, interruption: Interruption) -> Iterator[Batch]:
        upstream = _beginning_with(self._settings.upstream, stored.url if stored else "")
        with closing(connect(self.id, upstream, interruption)) as session:
            controller = identify(session, self._settings)
            for kind in self._settings.ordered_kinds:
                for base in kind.top_bases:
                    search.require_base(session, base)
            if stored is not None and stored.invocation != controller.invocation:
                self._require_no_less(session, controller, stored)
                stored = None
            yield from self._read_by_mode(session, controller, stored, follow)

    def _require_no_less(self, session: Session, controller: DomainController, stored: Position) -> None:
        """Raises UpstreamUnavailable while this controller has not heard of everything that was read from the one before: what
        is new would be taken for deleted, and what was deleted would come back. Not for ever: that one may be gone for good."""
        heard = [heard_from(session, context, stored.invocation) for context in controller.contexts]
        if not any(number is not None and number < stored.heard for number in heard):
            self._behind.clear()
            return
        since = self._behind.setdefault(controller.invocation, self._now())
        if self._now() < since + LONGEST_LAG:
            what = f"{controller.name} has not heard yet of all that was read from another controller"
            cure = f"it is tried again; {LONGEST_LAG.seconds // 60} minutes after the first time all is compared nevertheless"
            raise UpstreamUnavailable(session.place, what, cure)

    def _read_by_mode(
        self, session: Session, controller: DomainController, position: Position | None, follow: bool
    ) -> Iterator[Batch]:
        mode = self._settings.mode
        if mode is not ActiveDirectoryMode.USN:
            try:
                held = position if position is not None and position.mode == DirSyncTracker.name else None
                yield from _Conversation(
                    session, self._settings, controller, self._now, held, ActiveDirectoryMode.DIRSYNC
                ).batches(follow)
                return
            except NotAllowed as error:
                if mode is ActiveDirectoryMode.DIRSYNC:
                    raise error.refused from None
        held = position if position is not None and position.mode == UsnTracker.name else None
        yield from _Conversation(session, self._settings, controller, self._now, held, ActiveDirectoryMode.USN).batches(follow)


class _Conversation:
    """One read on one session, with one way to learn of changes."""

    def __init__(
        self,
        session: Session,
        settings: ActiveDirectorySettings,
        controller: DomainController,
        now: Callable[[], datetime],
        position: Position | None,
        mode: ActiveDirectoryMode,
    ) -> None:
        self._session = session
        self._settings = settings
        self._controller = controller
        self._continues = position is not None
        self._heard = position.heard if position else 0
        self._expiring = Expiring(now, position.checked if position else None)
        self._reading = ControllerReader(session, settings, controller, now, self._expiring.note)
        self._tracker: Tracker
        if mode is ActiveDirectoryMode.DIRSYNC:
            cookies = position.cookies if position else {}
            self._tracker = DirSyncTracker(session, controller.contexts, self._reading.readers.values(), cookies)
        else:
            self._tracker = UsnTracker(session, controller.contexts, settings.page_size, position.usn if position else 0)
        self._mode = self._tracker.name
        self._sees_deletions = mode is ActiveDirectoryMode.DIRSYNC or all(
            shows_tombstones(session, context) for context in controller.contexts
        )

    def batches(self, follow: bool) -> Iterator[Batch]:
        """The present state, then, with `follow`, changes for ever."""
        try:
            if not self._continues:
                yield from self._everything()
            elif self._sees_deletions:
                yield from self._changes()
            else:
                yield from self._compared(self._reading.present())
        except PositionRefused:
            yield from self._everything()
        if follow and self._sees_deletions:
            yield from self._follow()

    def _everything(self) -> Iterator[Batch]:
        self._expiring.all_are_told()
        try:
            self._tracker.start()
            yield from self._compared(self._reading.everything())
        except PositionRefused as error:  # one that it has just given
            raise error.refused from None

    def _compared(self, said: Iterator[Delta]) -> Iterator[Batch]:
        """A full comparison: what is `said`, and what has changed while that was being read: an entry that moved meanwhile from
        what was still to be read to what had been read already is not missed."""
        kinds = frozenset(self._reading.readers)
        for batch in full_comparison.batches(kinds, chain(said, self._meanwhile()), None, caught_up=True):
            yield replace(batch, watermark=self._mark()) if batch.completes else batch

    def _meanwhile(self) -> Iterator[Delta]:
        for changes in self._told():
            yield from self._reading.again(changes)

    def _changes(self) -> Iterator[Batch]:
        """What has changed since the position, or since the last time. One batch is held back: the last one has caught up."""
        held: Batch | None = None
        for changes in self._told():
            portions = list(full_comparison.portions(self._reading.again(changes)))
            mark = self._mark()
            for portion in portions:
                if held is not None:
                    yield held
                held = Batch(portion, mark if portion is portions[-1] else None)
        yield Batch(caught_up=True) if held is None else replace(held, caught_up=True)

    def _told(self) -> Iterator[Changes]:
        for changes in self._tracker.rounds():
            self._heard = highest_usn(self._session)
            if changes:
                yield changes
        between = self._expiring.window()
        if between is not None:
            for entry in self._reading.expiring(*between):
                self._expiring.note(entry)
        due = self._expiring.due()
        if due:
            yield due

    def _follow(self) -> Iterator[Batch]:
        """Changes as they come."""
        notification = Notification(self._session, self._controller)
        asked = marked = time.monotonic()
        last = self._mark()
        pause = min(HEARTBEAT_SECONDS, self._settings.poll_seconds)
        while True:
            woken = notification.begin() or notification.wait(pause)
            now = time.monotonic()
            if not woken and now < asked + self._settings.poll_seconds and not self._expiring.is_due:
                yield Batch(caught_up=True)
                continue
            asked = now
            try:
                for batch in self._changes():
                    last = batch.watermark or last
                    yield batch
            except PositionRefused:
                yield from self._everything()
            mark = self._mark()
            if mark != last and now >= marked + MARK_SECONDS:
                last, marked = mark, now
                yield Batch(watermark=mark, caught_up=True)

    def _mark(self) -> Watermark:
        place, controller = self._session.place, self._controller
        told, checked = self._tracker.position, self._expiring.checked
        position = Position(place.url, controller.invocation, self._mode, told, checked, self._heard)
        return domain_watermark.encode(self._settings, position)


def _beginning_with(upstream: Upstream, url: str) -> Upstream:
    """The same upstream, trying this controller first: with another one all would have to be compared."""
    urls = sorted(upstream.urls, key=lambda one: one != url)
    return replace(upstream, urls=tuple(urls))
