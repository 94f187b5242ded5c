"""The source of kind `openldap`: a directory that is synchronized by RFC 4533 where the server offers it, else read in full.

The order of the synchronization searches is in refresh_and_persist.py; the gaps of RFC 4533, and the parts that close them, are
listed at the head of syncrepl.py."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from gateway.connectors import reconciliation
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.connect import connect
from gateway.connectors.ldap.client.errors import UpstreamRefused
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.openldap import check, watermark
from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper
from gateway.connectors.ldap.openldap.refresh_and_persist import Synchronization, SyncNotOffered
from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, OpenLDAPSettings
from gateway.connectors.ldap.openldap.syncrepl import is_usable
from gateway.model.connector import CheckItem
from gateway.model.deltas import Batch, Watermark
from gateway.wire import oids

AS_THEY_HAPPEN: Final = "changes and deletions by RFC 4533 as they happen"
AT_EACH_RUN: Final = "changes and deletions by RFC 4533 at each run"
IN_FULL: Final = "all entries at each run, compared with those known"
OPENLDAP_ROOT_DSE: Final = "OpenLDAProotDSE"  # the object class of slapd's root DSE


class OpenLDAPSource:
    """A Source (gateway.model.connector)."""

    source_type = "ldap"

    def __init__(self, settings: OpenLDAPSettings) -> None:
        self.id = settings.id
        self._settings = settings
        self._interruption = Interruption()

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """See Source.read. Without RFC 4533 the iterator ends after a full read."""
        self._interruption = Interruption()
        return self._read(watermark, follow and self._settings.mode is not OpenLDAPMode.REFRESH, self._interruption)

    def check(self) -> Iterator[CheckItem]:
        """See Source.check."""
        self._interruption = Interruption()
        return check.items(self._settings, self._interruption)

    def close(self) -> None:
        """See Source.close: ends the read or check that is running; a later `read` works again."""
        self._interruption.stop()

    def _read(self, stored: Watermark | None, follow: bool, interruption: Interruption) -> Iterator[Batch]:
        with closing(connect(self.id, self._settings.upstream, interruption)) as session:
            root_dse = search.read_root_dse(session)
            supported = root_dse.get("supportedcontrol", [])
            for kind in self._settings.ordered_kinds:
                for base in kind.top_bases:
                    search.require_base(session, base)
            if self._may_synchronize(session, supported):
                is_openldap = OPENLDAP_ROOT_DSE in root_dse.get("objectclass", [])
                decoded = watermark.decode(self._settings, stored)
                cookies = {kind: cookie for kind, cookie in decoded.items() if is_usable(cookie, is_openldap)}
                batches = Synchronization(session, self._settings, cookies).batches(follow)
                try:
                    yield from reconciliation.with_reading(batches, AS_THEY_HAPPEN if follow else AT_EACH_RUN)
                    return
                except SyncNotOffered as refused:
                    if self._settings.mode is not OpenLDAPMode.AUTO:
                        raise refused.error from None
            paged = oids.PAGED_RESULTS in supported or not supported
            yield from reconciliation.with_reading(self._full_read(session, paged), IN_FULL)

    def _may_synchronize(self, session: Session, supported: list[str]) -> bool:
        """Return True when RFC 4533 is to be tried: a server that shows no root DSE may still offer it. Raises UpstreamRefused
        when the mode needs it and the server does not offer it."""
        mode = self._settings.mode
        offered = oids.SYNC_REQUEST in supported or not supported
        if not offered and mode in (OpenLDAPMode.PERSIST, OpenLDAPMode.REFRESH):
            cure = 'load syncprov at the server, or set mode = "poll"'
            raise UpstreamRefused(session.place, "the server does not offer RFC 4533", cure)
        return offered and mode is not OpenLDAPMode.POLL and self._settings.identifies_by_uuid

    def _full_read(self, session: Session, paged: bool) -> Iterator[Batch]:
        page_size = self._settings.page_size if paged else None
        kinds = self._settings.ordered_kinds
        for settings in kinds:
            found = search.deltas(session, OpenLDAPEntryMapper(self._settings, settings), page_size)
            last = settings is kinds[-1]
            mark = watermark.encode(self._settings, {}) if last else None
            yield from reconciliation.batches(frozenset({settings.kind}), found, mark, caught_up=last)
