"""The source of kind `openldap`: a directory that is followed by RFC 4533 where it offers that, else read in full.

One connection carries one synchronization search for each kind: organizations, users, groups are refreshed in this order,
then all are followed together. Who makes up for what such a search does not tell stands at the head of syncrepl.py."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Final

from gateway.connectors import comparison
from gateway.connectors.comparison import BATCH_DELTAS
from gateway.connectors.ldap import check, searching, watermark
from gateway.connectors.ldap.connecting import connect
from gateway.connectors.ldap.entries import EntryReader
from gateway.connectors.ldap.failures import SEARCH_CURES, UpstreamRefused, UpstreamUnavailable, refusal
from gateway.connectors.ldap.session import Interruption, Session
from gateway.connectors.ldap.settings import Mode, OpenLDAPSettings
from gateway.connectors.ldap.syncrepl import Subscription
from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.objects import Kind
from gateway.model.source import CheckItem
from gateway.wire import oids
from gateway.wire.errors import WireError
from gateway.wire.result_codes import ResultCode

HEARTBEAT_SECONDS: Final = 2.0  # the reader gets control back this often when nothing happens; the Protocol asks for 5


class OpenLDAPSource:
    """A Source (gateway.model.source)."""

    source_type = "ldap"

    def __init__(self, settings: OpenLDAPSettings) -> None:
        self.id = settings.id
        self._settings = settings
        self._interruption = Interruption()

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """See Source.read. Without RFC 4533 it ends after a full read."""
        self._interruption = Interruption()
        return self._read(watermark, follow, self._interruption)

    def check(self) -> Iterator[CheckItem]:
        """See Source.check."""
        self._interruption = Interruption()
        return check.items(self._settings, self._interruption)

    def close(self) -> None:
        """See Source.close: ends the read or check that is under way; a later `read` works again."""
        self._interruption.stop()

    def _read(self, stored: Watermark | None, follow: bool, interruption: Interruption) -> Iterator[Batch]:
        settings = self._settings
        with closing(connect(self.id, settings.upstream, interruption)) as session:
            supported = searching.root_dse(session).get("supportedcontrol", [])
            for kind in settings.ordered_kinds:
                for base in kind.top_bases:
                    searching.require_base(session, base)
            if self._may_synchronize(session, supported):
                try:
                    yield from _Synchronization(session, settings, stored).batches(follow and settings.mode is not Mode.REFRESH)
                    return
                except _NotOffered as error:
                    if settings.mode is not Mode.AUTO:
                        raise error.refused from None
            page_size = settings.page_size if oids.PAGED_RESULTS in supported or not supported else None
            yield from self._full_read(session, page_size)

    def _may_synchronize(self, session: Session, supported: list[str]) -> bool:
        """Whether RFC 4533 is worth a try: a server that shows no root DSE may still offer it."""
        mode = self._settings.mode
        offered = oids.SYNC_REQUEST in supported or not supported
        if not offered and mode in (Mode.PERSIST, Mode.REFRESH):
            cure = 'load syncprov at the server, or set mode = "poll"'
            raise UpstreamRefused(session.place, "the server does not offer RFC 4533", cure)
        return offered and mode is not Mode.POLL and self._settings.identifies_by_uuid

    def _full_read(self, session: Session, page_size: int | None) -> Iterator[Batch]:
        kinds = self._settings.ordered_kinds
        for settings in kinds:
            found = searching.deltas(session, EntryReader(self._settings, settings), page_size)
            last = settings is kinds[-1]
            mark = watermark.encode(self._settings, {}) if last else None
            yield from comparison.batches(_kinds(settings.kind, True), found, mark, caught_up=last)


class _NotOffered(Exception):
    """The server refused the sync control as a critical extension; `refused` says so to a person."""

    def __init__(self, refused: UpstreamRefused | UpstreamUnavailable) -> None:
        super().__init__()
        self.refused = refused


class _Synchronization:
    """The subscriptions of all kinds on one session."""

    def __init__(self, session: Session, settings: OpenLDAPSettings, stored: Watermark | None) -> None:
        cookies = watermark.decode(settings, stored)
        self._session = session
        self._settings = settings
        self._subscriptions = [
            Subscription(EntryReader(settings, kind), cookies.get(kind.kind)) for kind in settings.ordered_kinds
        ]
        self._requests: dict[int, Subscription] = {}
        self._probe: int | None = None

    def batches(self, follow: bool) -> Iterator[Batch]:
        """The refresh of every kind; then, with `follow`, changes for ever."""
        while True:
            for subscription in self._subscriptions:
                if not subscription.refreshed:
                    yield from self._refresh(subscription, follow)
            if not follow:
                return
            yield from self._follow()

    def _refresh(self, subscription: Subscription, follow: bool) -> Iterator[Batch]:
        """Until the present state of the kind has been told."""
        self._request(subscription, follow)
        begins = _kinds(subscription.kind, subscription.full)
        deltas: list[Delta] = []
        while not subscription.refreshed:
            deltas += self._feed(self._session.receive_due())
            if self._has_restarted(subscription):
                yield from _plain_batches(deltas)
                deltas = []
                self._request(subscription, follow)
                begins = _kinds(subscription.kind, subscription.full)
            while len(deltas) > BATCH_DELTAS:
                yield Batch(tuple(deltas[:BATCH_DELTAS]), begins=begins)
                begins = frozenset()
                del deltas[:BATCH_DELTAS]
        mark, caught_up = self._mark(), all(other.refreshed for other in self._subscriptions)
        if subscription.comparison:
            yield from _plain_batches(deltas)
            kinds = _kinds(subscription.kind, True)
            yield from comparison.batches(kinds, subscription.present(), mark, caught_up=caught_up)
        else:
            yield Batch(tuple(deltas), mark, begins, _kinds(subscription.kind, subscription.full), caught_up)

    def _follow(self) -> Iterator[Batch]:
        """Changes as they come, those that came together in one batch; ends when a subscription must be refreshed."""
        heard, marked = time.monotonic(), self._mark()
        while True:
            messages = self._session.receive(HEARTBEAT_SECONDS)
            deltas = self._feed(messages)
            while messages and len(deltas) < BATCH_DELTAS:
                messages = self._session.receive(0)
                deltas += self._feed(messages)
                heard = time.monotonic()
            if any(self._has_restarted(subscription) for subscription in self._subscriptions):
                yield from _plain_batches(deltas)
                return
            mark = self._mark()
            yield Batch(tuple(deltas), mark if mark != marked else None, caught_up=True)
            marked = mark
            self._see_whether_it_lives(heard)

    def _see_whether_it_lives(self, heard: float) -> None:
        """A silent server may be an idle one or a dead one: ask, and give up when not even that is answered."""
        silence = time.monotonic() - heard
        if self._probe is None and silence > self._settings.probe_seconds:
            self._probe = searching.probe(self._session)
        elif self._probe is not None and silence > self._settings.probe_seconds + self._session.answer_seconds:
            what = f"followed, but silent for {silence:.0f} s even when asked"
            raise UpstreamUnavailable(self._session.place, what, "see whether the server hangs; it is tried again later")

    def _request(self, subscription: Subscription, follow: bool) -> None:
        self._requests = {sent: other for sent, other in self._requests.items() if other is not subscription}
        self._requests[self._session.send(*subscription.request(follow=follow))] = subscription

    def _feed(self, messages: Iterable[bytes]) -> list[Delta]:
        deltas: list[Delta] = []
        for data in messages:
            message_id, tag = self._session.envelope(data)
            subscription = self._requests.get(message_id)
            if subscription is None:
                self._probe = None  # nothing else is asked on this session
                continue
            try:
                deltas += subscription.feed(data, tag)
            except WireError as error:
                what = f"the {subscription.kind}s' synchronization is not as RFC 4533 has it ({error})"
                raise UpstreamUnavailable(self._session.place, what, 'try mode = "poll"') from None
        return deltas

    def _has_restarted(self, subscription: Subscription) -> bool:
        """Whether the subscription must be requested anew. Raises when the server ended it for another reason."""
        result = subscription.result
        if result is None or subscription.ended_as_asked:
            return False
        if subscription.restarts():
            return True
        what = f"synchronizing {subscription.kind}s below {subscription.reader.settings.search_base!r} was ended by the server"
        if result.code == ResultCode.SUCCESS:
            raise UpstreamUnavailable(self._session.place, what, "it is tried again later")
        error = refusal(self._session.place, what, result, SEARCH_CURES)
        if result.code == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION:
            raise _NotOffered(error)
        raise error

    def _mark(self) -> Watermark:
        cookies = {s.kind: s.cookie for s in self._subscriptions if s.cookie is not None and s.refreshed}
        return watermark.encode(self._settings, cookies)


def _kinds(kind: Kind, included: bool) -> frozenset[Kind]:
    return frozenset({kind}) if included else frozenset()


def _plain_batches(deltas: list[Delta]) -> Iterator[Batch]:
    for start in range(0, len(deltas), BATCH_DELTAS):
        yield Batch(tuple(deltas[start : start + BATCH_DELTAS]))
