"""Which domain controller this is, what it holds, and what the account may see there: read once for each connection."""

import re
from dataclasses import dataclass, field
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryKindSettings, ActiveDirectorySettings
from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.errors import UpstreamRefused
from gateway.connectors.ldap.client.session import Session
from gateway.model.ldap import dn as names
from gateway.wire import controls, filters, oids
from gateway.wire.messages import BASE_OBJECT, NEVER_DEREF_ALIASES, SINGLE_LEVEL, SearchRequest

DELETED_OBJECTS: Final = "18E2EA80684F11D2B9AA00C04F79F805"  # the well-known GUID of the container ([MS-ADTS] §6.1.1.4)
SHOW_DELETED: Final = controls.control(controls.ShowDeleted(), criticality=True)

_CURSOR_SOURCE = re.compile(r"<uuidSourceDsaInvocationID>\{?([0-9A-Fa-f-]{36})\}?</uuidSourceDsaInvocationID>")
_CURSOR_NUMBER = re.compile(r"<usnAttributeFilter>(\d{1,20})</usnAttributeFilter>")
"""A cursor is a piece of XML."""

_WANTED = ("namingContexts", "dsServiceName", "dnsHostName", "highestCommittedUSN", "supportedControl", "supportedCapabilities")


@dataclass(frozen=True, slots=True)
class DomainController:
    """`invocation`: what USNs and cookies belong to: it changes when the controller's database is restored. `contexts`: the
    naming contexts that the bases of the source lie in, as the controller spells them."""

    name: str
    invocation: str
    contexts: tuple[str, ...]
    supported: frozenset[str] = field(repr=False)

    def context_of(self, base: str) -> str:
        """The naming context that a base of the source lies in."""
        return _holding(self.contexts, base) or ""

    def contexts_of(self, settings: ActiveDirectoryKindSettings) -> tuple[str, ...]:
        """Those that hold the bases of one kind, each once."""
        return tuple(dict.fromkeys(self.context_of(base) for base in settings.top_bases))


def identify(session: Session, settings: ActiveDirectorySettings) -> DomainController:
    """Raises UpstreamRefused for what is no domain controller, or holds none of the naming contexts of a base."""
    found = search.root_dse(session, _WANTED)
    capabilities = found.get("supportedcapabilities", [])
    if oids.ACTIVE_DIRECTORY not in capabilities:
        cure = 'give the URL of a domain controller, or use kind = "openldap"'
        raise UpstreamRefused(session.place, "this is no domain controller of Active Directory", cure)
    held = found.get("namingcontexts", [])
    contexts: dict[str, None] = {}
    for kind in settings.ordered_kinds:
        for base in kind.top_bases:
            context = _holding(held, base)
            if context is None:
                cure = f"it holds {' and '.join(held) or 'nothing that bind_dn may see'}: correct the base"
                raise UpstreamRefused(session.place, f"base {base} lies in no naming context of this controller", cure)
            contexts[context] = None
    service = next(iter(found.get("dsservicename", ())), "")
    name = next(iter(found.get("dnshostname", ())), "") or service
    return DomainController(name, _invocation(session, service), tuple(contexts), frozenset(found.get("supportedcontrol", ())))


def highest_usn(session: Session) -> int:
    """The number of the last change that the controller has committed."""
    [text] = search.root_dse(session, ("highestCommittedUSN",)).get("highestcommittedusn") or ["0"]
    return int(text)


def heard_from(session: Session, context: str, invocation: str) -> int | None:
    """Up to which number of another controller's changes this one has heard of all in a naming context ([MS-ADTS]
    §3.1.1.4.5.30, msDS-NCReplCursors); None where this is not shown."""
    request = SearchRequest(context, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, ("msDS-NCReplCursors",))
    for data in list(search.search(session, request, search.Found())):
        for cursor in (value.decode(errors="replace") for _, values in session.entry(data)[1] for value in values):
            source, number = _CURSOR_SOURCE.search(cursor), _CURSOR_NUMBER.search(cursor)
            if source and number and source[1].lower() == invocation:
                return int(number[1])
    return None


def lockout_policy(session: Session, context: str) -> tuple[int, float] | None:
    """After how many wrong passwords within how many seconds the domain locks an account (never: 0); None where this cannot be
    seen. Fine-grained policies for single groups ([MS-ADTS] §3.1.1.4.5.20) are not looked at."""
    wanted = ("lockoutThreshold", "lockOutObservationWindow")
    request = SearchRequest(context, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, wanted)
    for data in list(search.search(session, request, search.Found())):
        found = {name.lower(): values for name, values in session.entry(data)[1]}
        failures, window = (windows_values.number(found.get(name.lower(), ())) for name in wanted)
        if failures is not None:
            return failures, abs(window or 0) / windows_values.TICKS_A_SECOND
    return None


def shows_tombstones(session: Session, context: str) -> bool:
    """Whether the account sees what was deleted: by default only administrators do. A domain in which nothing was deleted
    counts as one that does not show it: nothing else tells the one from the other."""
    container, is_deleted = f"<WKGUID={DELETED_OBJECTS},{context}>", filters.Equality("isDeleted", b"TRUE")
    request = SearchRequest(container, SINGLE_LEVEL, NEVER_DEREF_ALIASES, 1, 0, False, is_deleted, search.NO_ATTRIBUTES)
    return sum(1 for _ in search.search(session, request, search.Found(), (SHOW_DELETED,))) > 0


def _invocation(session: Session, service: str) -> str:
    """The invocationId of the controller's database; where it may not be read, the controller's own name has to do."""
    request = SearchRequest(
        service, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, ("invocationId", "objectGUID")
    )
    for data in search.search(session, request, search.Found()):
        values = {name.lower(): values for name, values in session.entry(data)[1]}
        for name in ("invocationid", "objectguid"):
            if values.get(name):
                return windows_values.guid_text(values[name][0])
    return service


def _holding(contexts: tuple[str, ...] | list[str], base: str) -> str | None:
    """The innermost of these naming contexts that holds the base."""
    key = names.key(base)
    holding = [context for context in contexts if key.startswith(names.key(context))]
    return max(holding, key=lambda context: len(names.key(context)), default=None)
