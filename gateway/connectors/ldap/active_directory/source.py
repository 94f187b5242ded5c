"""The source of kind `active_directory`: everything is compared once, and from then on the changes are read.

A watermark belongs to one controller's database. With another controller, or when the controller cannot continue from it,
everything is compared anew: a reconciliation neither loses a deletion nor repeats one, because entries are known by their
objectGUID."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.connectors.ldap.active_directory import check
from gateway.connectors.ldap.active_directory.changes.dirsync import DirSyncTracker
from gateway.connectors.ldap.active_directory.changes.tracker import TrackingForbidden
from gateway.connectors.ldap.active_directory.changes.usn import UsnTracker
from gateway.connectors.ldap.active_directory.changes.watermark import ControllerWatermark, decode
from gateway.connectors.ldap.active_directory.controller import DomainController, identify, replicated_up_to
from gateway.connectors.ldap.active_directory.session_read import SessionRead
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode, ActiveDirectorySettings
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.connect import connect
from gateway.connectors.ldap.client.errors import UpstreamUnavailable
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.connector import CheckItem
from gateway.model.deltas import Batch, Watermark

MAX_REPLICATION_LAG: Final = timedelta(minutes=15)  # replication between sites has a schedule, of 15 minutes at best


def present_time() -> datetime:
    """Return the present, aware, in UTC."""
    return datetime.now(UTC)


class ActiveDirectorySource:
    """A Source (gateway.model.connector)."""

    source_type = "ad"

    def __init__(self, settings: ActiveDirectorySettings, now: Callable[[], datetime] = present_time) -> None:
        self.id = settings.id
        self._settings = settings
        self._now = now
        self._interruption = Interruption()
        self._lagging_since: dict[str, datetime] = {}
        """By invocationId, the controllers that lag behind the one that was read, and since when that is known."""

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """See Source.read."""
        self._interruption = Interruption()
        return self._read(decode(self._settings, watermark), follow, self._interruption)

    def check(self) -> Iterator[CheckItem]:
        """See Source.check."""
        self._interruption = Interruption()
        return check.items(self._settings, self._interruption, self._now)

    def close(self) -> None:
        """See Source.close: ends the read or check that is running; a later `read` works again."""
        self._interruption.stop()

    def _read(self, stored: ControllerWatermark | None, follow: bool, interruption: Interruption) -> Iterator[Batch]:
        upstream = _beginning_with(self._settings.upstream, stored.url if stored else "")
        with closing(connect(self.id, upstream, interruption)) as session:
            controller = identify(session, self._settings)
            for kind in self._settings.ordered_kinds:
                for base in kind.top_bases:
                    search.require_base(session, base)
            if stored is not None and stored.invocation_id != controller.invocation_id:
                self._require_replicated(session, controller, stored)
                stored = None
            yield from self._read_by_mode(session, controller, stored, follow)

    def _require_replicated(self, session: Session, controller: DomainController, stored: ControllerWatermark) -> None:
        """Raise UpstreamUnavailable while this controller lacks changes that were read from the previous one: new entries would
        be taken for deleted, and deleted ones would come back. After MAX_REPLICATION_LAG it passes: the previous controller may
        be gone for good."""
        numbers = [replicated_up_to(session, context, stored.invocation_id) for context in controller.contexts]
        if not any(number is not None and number < stored.last_usn for number in numbers):
            self._lagging_since.clear()
            return
        since = self._lagging_since.setdefault(controller.invocation_id, self._now())
        if self._now() < since + MAX_REPLICATION_LAG:
            what = f"{controller.name} has not heard yet of all that was read from another controller"
            minutes = MAX_REPLICATION_LAG.seconds // 60
            cure = f"it is tried again; {minutes} minutes after the first time all is compared nevertheless"
            raise UpstreamUnavailable(session.place, what, cure)

    def _read_by_mode(
        self, session: Session, controller: DomainController, stored: ControllerWatermark | None, follow: bool
    ) -> Iterator[Batch]:
        """Read by DirSync where the mode and the account allow it, else by uSNChanged."""
        mode = self._settings.mode
        if mode is not ActiveDirectoryMode.USN:
            held = stored if stored is not None and stored.mode == DirSyncTracker.name else None
            by_dirsync = ActiveDirectoryMode.DIRSYNC
            try:
                yield from SessionRead(session, self._settings, controller, self._now, held, by_dirsync).batches(follow)
                return
            except TrackingForbidden as forbidden:
                if mode is ActiveDirectoryMode.DIRSYNC:
                    raise forbidden.error from None
        held = stored if stored is not None and stored.mode == UsnTracker.name else None
        by_usn = ActiveDirectoryMode.USN
        yield from SessionRead(session, self._settings, controller, self._now, held, by_usn).batches(follow)


def _beginning_with(upstream: Upstream, url: str) -> Upstream:
    """Return the same upstream with this controller first: with another one everything would have to be compared."""
    urls = sorted(upstream.urls, key=lambda one: one != url)
    return replace(upstream, urls=tuple(urls))
