"""The synchronization searches of all kinds on one session: refreshed one after the other, then followed together.

The subscriptions (syncrepl.py) interpret the messages; this module orders the requests and forms the batches."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gateway.connectors import reconciliation
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.errors import SEARCH_CURES, UpstreamError, UpstreamUnavailable, refusal
from gateway.connectors.ldap.client.session import Session
from gateway.connectors.ldap.openldap import watermark
from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper
from gateway.connectors.ldap.openldap.settings import OpenLDAPSettings
from gateway.connectors.ldap.openldap.syncrepl import Subscription
from gateway.connectors.reconciliation import BATCH_DELTAS
from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.objects import Kind
from gateway.wire.errors import WireError
from gateway.wire.result_codes import ResultCode

HEARTBEAT_SECONDS: Final = 2.0  # the reader gets control back this often when nothing happens; the Protocol asks for 5


class SyncNotOffered(Exception):
    """The server refused the sync control as a critical extension. `error`: for the administrator."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__()
        self.error = error


class Synchronization:
    """The subscriptions of all kinds on one session."""

    def __init__(self, session: Session, settings: OpenLDAPSettings, cookies: Mapping[Kind, bytes]) -> None:
        self._session = session
        self._settings = settings
        self._subscriptions = [
            Subscription(OpenLDAPEntryMapper(settings, kind), cookies.get(kind.kind)) for kind in settings.ordered_kinds
        ]
        self._requests: dict[int, Subscription] = {}
        self._probed: float | None = None

    def batches(self, follow: bool) -> Iterator[Batch]:
        """Yield the refresh of every kind; then, with `follow`, changes without end. Raises SyncNotOffered."""
        while True:
            for subscription in self._subscriptions:
                if not subscription.refreshed:
                    yield from self._refresh(subscription, follow)
            if not follow:
                return
            yield from self._follow()

    def _refresh(self, subscription: Subscription, follow: bool) -> Iterator[Batch]:
        """Yield batches until the refresh of the kind is complete."""
        self._request(subscription, follow)
        begins = _kinds_if(subscription.kind, subscription.full)
        deltas: list[Delta] = []
        while not subscription.refreshed:
            deltas += self._feed(self._session.receive_due())
            if self._has_restarted(subscription):
                yield from _plain_batches(deltas)
                deltas = []
                self._request(subscription, follow)
                begins = _kinds_if(subscription.kind, subscription.full)
            *full, rest = reconciliation.portions(deltas) if deltas else ((),)
            for portion in full:
                yield Batch(portion, begins=begins)
                begins = frozenset()
            deltas = list(rest)
        mark, caught_up = self._watermark(), all(other.refreshed for other in self._subscriptions)
        if subscription.reconciliation:
            yield from _plain_batches(deltas)
            kinds = _kinds_if(subscription.kind)
            yield from reconciliation.batches(kinds, subscription.present(), mark, caught_up=caught_up)
        else:
            yield Batch(tuple(deltas), mark, begins, _kinds_if(subscription.kind, subscription.full), caught_up)

    def _follow(self) -> Iterator[Batch]:
        """Yield changes as they arrive, one batch for those that arrived together; end when a subscription must be
        refreshed."""
        last_message, stored = time.monotonic(), self._watermark()
        heartbeat = min(HEARTBEAT_SECONDS, self._settings.probe_seconds, self._session.answer_seconds)
        while True:
            messages = self._session.receive(heartbeat)
            heard = bool(messages)
            deltas = self._feed(messages)
            while messages and len(deltas) < BATCH_DELTAS:
                messages = self._session.receive(0)
                deltas += self._feed(messages)
                last_message = time.monotonic()
            if any(self._has_restarted(subscription) for subscription in self._subscriptions):
                yield from _plain_batches(deltas)
                return
            mark = self._watermark()
            yield Batch(tuple(deltas), mark if mark != stored else None, caught_up=True, heard=heard)
            stored = mark
            self._probe_silent_server(last_message)

    def _probe_silent_server(self, last_message: float) -> None:
        """Send a probe after a silence of `probe_seconds`: the server may be idle or dead. Raises UpstreamUnavailable when the
        probe is not answered."""
        now = time.monotonic()
        if self._probed is None and now > last_message + self._settings.probe_seconds:
            search.probe(self._session)
            self._probed = now
        elif self._probed is not None:
            due = max(self._probed, last_message) + min(search.PROBE_ANSWER_SECONDS, self._session.answer_seconds)
            if now > due:
                raise search.silent(self._session, now - last_message)

    def _request(self, subscription: Subscription, follow: bool) -> None:
        self._requests = {sent: other for sent, other in self._requests.items() if other is not subscription}
        self._requests[self._session.send(*subscription.request(follow=follow))] = subscription

    def _feed(self, messages: Iterable[bytes]) -> list[Delta]:
        deltas: list[Delta] = []
        for data in messages:
            message_id, tag = self._session.envelope(data)
            subscription = self._requests.get(message_id)
            if subscription is None:
                self._probed = None  # on this session only the probe is no subscription
                continue
            try:
                deltas += subscription.feed(data, tag)
            except WireError as error:
                what = f"the {subscription.kind}s' synchronization is not as RFC 4533 has it ({error})"
                raise UpstreamUnavailable(self._session.place, what, 'try mode = "poll"') from None
        return deltas

    def _has_restarted(self, subscription: Subscription) -> bool:
        """Return True when the subscription must be requested anew. Raises when the server ended it for another reason."""
        result = subscription.result
        if result is None or subscription.ended_as_requested:
            return False
        if subscription.restarts():
            return True
        what = f"synchronizing {subscription.kind}s below {subscription.reader.settings.search_base!r} was ended by the server"
        if result.code == ResultCode.SUCCESS:
            raise UpstreamUnavailable(self._session.place, what, "it is tried again later")
        error = refusal(self._session.place, what, result, SEARCH_CURES)
        if result.code == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION:
            raise SyncNotOffered(error)
        raise error

    def _watermark(self) -> Watermark:
        cookies = {each.kind: each.resumable for each in self._subscriptions if each.resumable is not None}
        return watermark.encode(self._settings, cookies)


def _kinds_if(kind: Kind, included: bool = True) -> frozenset[Kind]:
    return frozenset({kind}) if included else frozenset()


def _plain_batches(deltas: list[Delta]) -> Iterator[Batch]:
    for portion in reconciliation.portions(deltas):
        yield Batch(portion)
