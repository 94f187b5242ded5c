"""Connecting to an upstream in the reactor: TCP, and TLS where it is configured; the bind is left to the caller."""

from typing import cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory

from gateway.connectors.ldap.bind.certificate_trust import CertificateTrust
from gateway.connectors.ldap.bind.client import BindClient
from gateway.connectors.ldap.client.errors import Place, UpstreamUnavailable
from gateway.connectors.ldap.client.settings import Address


async def connect(
    reactor: IReactorTime, place: Place, address: Address, trust: CertificateTrust | None, start_tls: bool, seconds: float
) -> BindClient:
    """Return a connection that is ready for binds, with TLS where it is configured, within `seconds`.

    `trust` is given when TLS is configured. Raises UpstreamUnavailable, and UpstreamRefused when the server refuses StartTLS.
    """
    until = reactor.seconds() + seconds
    endpoint: IStreamClientEndpoint = HostnameEndpoint(reactor, address.host, address.port, timeout=seconds)
    if address.tls and trust:
        endpoint = wrapClientTLS(trust.connection_creator(address.host), endpoint)
    attempt = cast("Deferred[BindClient]", endpoint.connect(Factory.forProtocol(lambda: BindClient(place))))
    try:
        client = await _cancellable(attempt)
    except CancelledError:
        raise
    except Exception as error:  # name resolution, refusal, timeout: Twisted has an error class for each
        cure = "see whether the server runs; `gateway check` tells more"
        raise UpstreamUnavailable(place, f"no connection ({type(error).__name__})", cure) from None
    if address.tls:
        await client.wait_for_tls(reactor, max(0.0, until - reactor.seconds()))
    elif start_tls and trust:
        await client.start_tls(reactor, address.host, trust, until)
    return client


def _cancellable(attempt: "Deferred[BindClient]") -> "Deferred[BindClient]":
    """Return the attempt as a Deferred whose cancellation is a CancelledError; HostnameEndpoint's own is an error of name
    resolution."""

    def cancel(given_up: "Deferred[BindClient]") -> None:
        given_up.errback(CancelledError())
        attempt.cancel()

    wanted: Deferred[BindClient] = Deferred(cancel)
    attempt.addCallbacks(
        lambda client: client.drop() if wanted.called else wanted.callback(client),
        lambda failure: None if wanted.called else wanted.errback(failure),
    )
    return wanted
