"""The account lockout policies of a domain: its own, and the fine-grained ones of single groups ([MS-ADTS] §3.1.1.4.5.20).

By default only administrators are shown the latter."""

from collections.abc import Iterator
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.session import Session
from gateway.model.connector import Lockout
from gateway.wire import filters
from gateway.wire.messages import BASE_OBJECT, NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest

_DOMAIN: Final = ("lockoutThreshold", "lockOutObservationWindow")
_FINE_GRAINED: Final = ("msDS-LockoutThreshold", "msDS-LockoutObservationWindow")
_SETTINGS: Final = filters.Equality("objectClass", b"msDS-PasswordSettings")


def of_domain(session: Session, context: str) -> Lockout | None:
    """Return the policy of the domain; `failures` 0: it locks no accounts. None when the account cannot see it."""
    request = SearchRequest(context, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, _DOMAIN)
    return next(iter(_policies(session, request, _DOMAIN, "the domain")), None)


def fine_grained(session: Session, context: str) -> list[Lockout]:
    """Return the policies of groups that lock accounts, as far as the account is shown them."""
    base, wanted = f"CN=Password Settings Container,CN=System,{context}", ("cn", *_FINE_GRAINED)
    request = SearchRequest(base, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, _SETTINGS, wanted)
    return [policy for policy in _policies(session, request, _FINE_GRAINED, "the policy") if policy.failures]


def _policies(session: Session, request: SearchRequest, wanted: tuple[str, str], name: str) -> Iterator[Lockout]:
    for data in list(search.execute(session, request, search.SearchOutcome())):
        found = {attribute.lower(): values for attribute, values in session.entry(data)[1]}
        failures, window = (windows_values.number(found.get(attribute.lower(), ())) for attribute in wanted)
        if failures is not None:
            called = b"".join(found.get("cn", ())[:1]).decode(errors="replace")
            seconds = abs(window or 0) / windows_values.TICKS_A_SECOND
            yield Lockout(f"{name} {called!r}" if called else name, failures, seconds)
