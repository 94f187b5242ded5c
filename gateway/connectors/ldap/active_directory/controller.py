"""The domain controller of a session: its identity, its naming contexts, and what the account may see there."""

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
"""Each value of msDS-NCReplCursors is an XML element."""

_ROOT_DSE_ATTRIBUTES = (
    "namingContexts",
    "dsServiceName",
    "dnsHostName",
    "highestCommittedUSN",
    "supportedControl",
    "supportedCapabilities",
)


@dataclass(frozen=True, slots=True)
class DomainController:
    """One domain controller. `invocation_id`: of its database, changed by a restore; USNs and cookies are valid for one only.
    `contexts`: the naming contexts that hold the bases of the source, as the controller spells them. `supported`: the OIDs of
    its controls. `lockout`: ticks for which it locks an account; 0: until an administrator unlocks it; None: the account cannot
    see it."""

    name: str
    invocation_id: str
    contexts: tuple[str, ...]
    supported: frozenset[str] = field(repr=False)
    lockout: int | None = None

    def context_of(self, base: str) -> str:
        """Return the naming context that holds a base of the source."""
        return _holding(self.contexts, base) or ""

    def contexts_of(self, settings: ActiveDirectoryKindSettings) -> tuple[str, ...]:
        """Return the naming contexts that hold the bases of one kind, each once."""
        return tuple(dict.fromkeys(self.context_of(base) for base in settings.top_bases))


def identify(session: Session, settings: ActiveDirectorySettings) -> DomainController:
    """Read the root DSE. Raises UpstreamRefused when the server is no domain controller, or does not hold a base."""
    found = search.read_root_dse(session, _ROOT_DSE_ATTRIBUTES)
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
    supported = frozenset(found.get("supportedcontrol", ()))
    lockouts = [_lockout(session, context) for context in contexts]
    lockout = lockouts[0] if len(set(lockouts)) == 1 else None
    return DomainController(name, _invocation_id(session, service), tuple(contexts), supported, lockout)


def highest_usn(session: Session) -> int:
    """Return the number of the last change that the controller has committed."""
    [text] = search.read_root_dse(session, ("highestCommittedUSN",)).get("highestcommittedusn") or ["0"]
    return int(text)


def replicated_up_to(session: Session, context: str, invocation_id: str) -> int | None:
    """Return the number up to which this controller has replicated another one's changes of a naming context ([MS-ADTS]
    §3.1.1.4.5.30, msDS-NCReplCursors); None when the controller does not show it."""
    request = SearchRequest(context, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, ("msDS-NCReplCursors",))
    for data in list(search.execute(session, request, search.SearchOutcome())):
        for cursor in (value.decode(errors="replace") for _, values in session.entry(data)[1] for value in values):
            source, number = _CURSOR_SOURCE.search(cursor), _CURSOR_NUMBER.search(cursor)
            if source and number and source[1].lower() == invocation_id:
                return int(number[1])
    return None


def _lockout(session: Session, context: str) -> int | None:
    """Return the lockoutDuration of a domain in ticks ([MS-ADA1] §2.2: negative, the least number for ever): see
    DomainController.lockout. Fine-grained policies are ignored."""
    request = SearchRequest(context, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, ("lockoutDuration",))
    for data in list(search.execute(session, request, search.SearchOutcome())):
        for _, values in session.entry(data)[1]:
            ticks = windows_values.number(values)
            return None if ticks is None else 0 if abs(ticks) > windows_values.NEVER else abs(ticks)
    return None


def shows_tombstones(session: Session, context: str) -> bool:
    """Return True when the account sees tombstones: by default only administrators do.

    A domain in which nothing was ever deleted counts as one that does not show them: the two cannot be told apart.
    """
    container, is_deleted = f"<WKGUID={DELETED_OBJECTS},{context}>", filters.Equality("isDeleted", b"TRUE")
    request = SearchRequest(container, SINGLE_LEVEL, NEVER_DEREF_ALIASES, 1, 0, False, is_deleted, search.NO_ATTRIBUTES)
    return sum(1 for _ in search.execute(session, request, search.SearchOutcome(), (SHOW_DELETED,))) > 0


def _invocation_id(session: Session, service: str) -> str:
    """Return the invocationId of the controller's database; if hidden, the objectGUID or the DN of its NTDS settings."""
    request = SearchRequest(
        service, BASE_OBJECT, NEVER_DEREF_ALIASES, 0, 0, False, search.EVERYTHING, ("invocationId", "objectGUID")
    )
    for data in search.execute(session, request, search.SearchOutcome()):
        values = {name.lower(): values for name, values in session.entry(data)[1]}
        for name in ("invocationid", "objectguid"):
            if values.get(name):
                return windows_values.guid_text(values[name][0])
    return service


def _holding(contexts: tuple[str, ...] | list[str], base: str) -> str | None:
    """Return the innermost of these naming contexts that holds the base."""
    key = names.key(base)
    holding = [context for context in contexts if key.startswith(names.key(context))]
    return max(holding, key=lambda context: len(names.key(context)), default=None)
