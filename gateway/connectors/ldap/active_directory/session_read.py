"""One read of the source on one session with one change tracker: the present state, then, when followed, the changes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Final

from gateway.connectors import reconciliation
from gateway.connectors.ldap.active_directory.account_expiry import AccountExpiry
from gateway.connectors.ldap.active_directory.changes import watermark
from gateway.connectors.ldap.active_directory.changes.dirsync import DirSyncTracker
from gateway.connectors.ldap.active_directory.changes.hidden_deletions import HiddenDeletions
from gateway.connectors.ldap.active_directory.changes.notification import NotificationSearches
from gateway.connectors.ldap.active_directory.changes.tracker import ChangeSet, ChangeTracker, WatermarkRefused
from gateway.connectors.ldap.active_directory.changes.usn import UsnTracker
from gateway.connectors.ldap.active_directory.changes.watermark import ControllerWatermark
from gateway.connectors.ldap.active_directory.controller import DomainController, highest_usn
from gateway.connectors.ldap.active_directory.reader import ControllerReader
from gateway.connectors.ldap.active_directory.reading_in_words import in_words, missing_right
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode, ActiveDirectorySettings
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.session import Session
from gateway.model.deltas import Batch, Delta, Watermark

HEARTBEAT_SECONDS: Final = 2.0  # the reader gets control back this often when nothing happens; the Protocol asks for 5
PROBE_SECONDS: Final = 30.0  # of silence; as the `probe_seconds` of other LDAP sources
WATERMARK_SECONDS: Final = 60.0  # the shortest time between two transactions that store nothing but a watermark


class SessionRead:
    """`stored`: the watermark to continue from; it is of this controller and of this `mode`. None: a full read."""

    def __init__(
        self,
        session: Session,
        settings: ActiveDirectorySettings,
        controller: DomainController,
        now: Callable[[], datetime],
        stored: ControllerWatermark | None,
        mode: ActiveDirectoryMode,
    ) -> None:
        self._session = session
        self._settings = settings
        self._controller = controller
        self._continues = stored is not None
        self._last_usn = stored.last_usn if stored else 0
        self._expiry = AccountExpiry(now, stored.expiry_checked if stored else None)
        self._reader = ControllerReader(session, settings, controller, now, self._expiry.add)
        self._tracker: ChangeTracker
        if mode is ActiveDirectoryMode.DIRSYNC:
            cookies = stored.state.cookies if stored else {}
            self._tracker = DirSyncTracker(session, controller.contexts, self._reader.mappers.values(), cookies)
        else:
            usn = stored.state.usn if stored else 0
            self._tracker = UsnTracker(session, controller.contexts, settings.page_size, usn)
        self._hidden: HiddenDeletions | None = None
        """The deletions that must be found by comparing; None when the controller reports them."""

    def batches(self, follow: bool) -> Iterator[Batch]:
        """Yield the present state, then, with `follow`, changes without end. Raises TrackingForbidden before any."""
        reports = self._tracker.reports_deletions()
        self._hidden = None if reports else HiddenDeletions(self._settings.poll_seconds)
        sentence = in_words(self._tracker.name, self._settings, self._controller, reports_deletions=reports, follow=follow)
        sentence += "" if reports else f"; {missing_right(self._controller)}"
        yield from reconciliation.with_reading(self._present_state(), sentence)
        if follow:
            yield from self._follow()

    def _present_state(self) -> Iterator[Batch]:
        try:
            if not self._continues:
                yield from self._full_read()
            elif self._hidden is None:
                yield from self._changes()
            else:
                yield from self._reconciliation(self._reader.present())
        except WatermarkRefused:
            yield from self._full_read()

    def _full_read(self) -> Iterator[Batch]:
        self._expiry.restart()
        if self._hidden is not None:
            self._hidden.restart()
        try:
            self._tracker.start()
            yield from self._reconciliation(self._reader.everything())
        except WatermarkRefused as refused:  # a watermark that the controller has only just given
            raise refused.error from None

    def _reconciliation(self, deltas: Iterator[Delta]) -> Iterator[Batch]:
        """Yield a reconciliation: `deltas`, and what has changed while they were read, so that an entry that moved meanwhile
        into a part that had been read already is not missed."""
        kinds = frozenset(self._reader.mappers)
        found = self._noted(chain(deltas, self._changed_meanwhile()))
        for batch in reconciliation.batches(kinds, found, None, caught_up=True):
            yield replace(batch, watermark=self._watermark()) if batch.completes else batch

    def _changed_meanwhile(self) -> Iterator[Delta]:
        for changes in self._change_sets():
            yield from self._reader.changed(changes)

    def _changes(self) -> Iterator[Batch]:
        """Yield the changes since the tracker's state. One batch is held back, because the last one has `caught_up`."""
        held: Batch | None = None
        for changes in self._change_sets():
            portions = list(reconciliation.portions(self._noted(self._reader.changed(changes))))
            mark = self._watermark()
            for portion in portions:
                if held is not None:
                    yield held
                held = Batch(portion, mark if portion is portions[-1] else None)
        yield Batch(caught_up=True) if held is None else replace(held, caught_up=True)

    def _vanished(self, hidden: HiddenDeletions) -> Iterator[Batch]:
        """Yield the entries that are there no longer, and those that were only moved while the others were listed."""
        missing = hidden.missing(highest_usn(self._session), self._reader.present)
        for portion in reconciliation.portions(self._noted(self._reader.changed(missing))):
            yield Batch(portion, caught_up=True)

    def _noted(self, deltas: Iterator[Delta]) -> Iterator[Delta]:
        return deltas if self._hidden is None else self._hidden.noted(deltas)

    def _change_sets(self) -> Iterator[ChangeSet]:
        for changes in self._tracker.change_sets():
            self._last_usn = highest_usn(self._session)
            if changes:
                yield changes
        window = self._expiry.next_window()
        if window is not None:
            for entry in self._reader.expiring(*window):
                self._expiry.add(entry)
        due = self._expiry.due()
        if due:
            yield due

    def _follow(self) -> Iterator[Batch]:
        """Yield changes as they are notified, or every `poll_seconds`; a silent controller is asked whether it lives."""
        notifications = NotificationSearches(self._session, self._controller)
        heard_at = read_at = stored_at = time.monotonic()
        last = self._watermark()
        pause = min(HEARTBEAT_SECONDS, self._settings.poll_seconds)
        while True:
            woken = notifications.begin() or notifications.wait(pause)
            now = time.monotonic()
            compares = self._hidden is not None and self._hidden.is_due
            if not woken and not compares and now < read_at + self._settings.poll_seconds and not self._expiry.is_due:
                silent = now >= heard_at + PROBE_SECONDS
                if silent:
                    search.require_life(self._session)
                    heard_at = now
                yield Batch(caught_up=True, heard=silent)
                continue
            if not woken:
                search.require_life(self._session)
            heard_at = read_at = now
            try:
                for batch in self._changes():
                    last = batch.watermark or last
                    yield batch
                if self._hidden is not None and compares:
                    yield from self._vanished(self._hidden)
            except WatermarkRefused:
                yield from self._full_read()
            mark = self._watermark()
            if mark != last and now >= stored_at + WATERMARK_SECONDS:
                last, stored_at = mark, now
                yield Batch(watermark=mark, caught_up=True)

    def _watermark(self) -> Watermark:
        url, invocation_id = self._session.place.url, self._controller.invocation_id
        state, checked = self._tracker.state, self._expiry.checked
        held = ControllerWatermark(url, invocation_id, self._tracker.name, state, checked, self._last_usn)
        return watermark.encode(self._settings, held)
