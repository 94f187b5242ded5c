"""`gateway check` for an OpenLDAP source: beside the steps of any LDAP source, how changes will be read."""

from collections.abc import Iterator
from typing import Final

from gateway.connectors.ldap.client import check, schema_check, search
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper
from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, OpenLDAPSettings
from gateway.model.connector import CheckItem, CheckStatus, Lockout
from gateway.model.ldap import dn as names
from gateway.wire import filters, oids
from gateway.wire.messages import NEVER_DEREF_ALIASES, WHOLE_SUBTREE, SearchRequest

_POLICY: Final = filters.Equality("objectClass", b"pwdPolicy")


def items(settings: OpenLDAPSettings, interruption: Interruption) -> Iterator[CheckItem]:
    """Yield one item for each step; raises nothing. The steps of a further address are tried even when the first one works."""
    return check.connection_items(
        settings, interruption, ("synchronization", "schema"), lambda session: _reading(session, settings)
    )


def _reading(session: Session, settings: OpenLDAPSettings) -> Iterator[CheckItem]:
    supported = search.read_root_dse(session).get("supportedcontrol", [])
    yield _synchronization(settings, supported)
    yield from _lockout(session, settings)
    mappers = [OpenLDAPEntryMapper(settings, kind) for kind in settings.ordered_kinds]
    yield schema_check.check(session, [name for mapper in mappers for name in mapper.identified_attributes])
    yield from check.kind_items(session, mappers, settings.page_size if oids.PAGED_RESULTS in supported else None)


def _lockout(session: Session, settings: OpenLDAPSettings) -> Iterator[CheckItem]:
    """Yield the password policies that lock accounts (draft-behera-ldap-password-policy-10 §5.2), if any are shown."""
    contexts = search.read_root_dse(session, ("namingContexts",)).get("namingcontexts", [])
    bases = [base for kind in settings.ordered_kinds for base in kind.top_bases]
    holding = [context for context in contexts if any(names.key(base).startswith(names.key(context)) for base in bases)]
    found = tuple(lockout for context in holding for lockout in _policies(session, context))
    if found:
        yield CheckItem("account lockout", CheckStatus.PASSED, check.lockouts_in_words(found), lockouts=found)


def _policies(session: Session, context: str) -> Iterator[Lockout]:
    wanted = ("cn", "pwdLockout", "pwdMaxFailure", "pwdFailureCountInterval")
    request = SearchRequest(context, WHOLE_SUBTREE, NEVER_DEREF_ALIASES, 0, 0, False, _POLICY, wanted)
    for data in list(search.execute(session, request, search.SearchOutcome())):
        object_name, attributes = session.entry(data)
        found = {name.lower(): values[0].decode(errors="replace") for name, values in attributes if values}
        failures, seconds = found.get("pwdmaxfailure", ""), found.get("pwdfailurecountinterval", "0")
        if found.get("pwdlockout", "").upper() == "TRUE" and failures.isdecimal() and int(failures):
            window = float(seconds) if seconds.isdecimal() and int(seconds) else None
            yield Lockout(f"the policy {found.get('cn') or object_name.decode(errors='replace')!r}", int(failures), window)


def _synchronization(settings: OpenLDAPSettings, supported: list[str]) -> CheckItem:
    name = "synchronization"
    if settings.mode is OpenLDAPMode.POLL or not settings.identifies_by_uuid:
        return CheckItem(name, CheckStatus.PASSED, "full reads on the schedule, as configured")
    if oids.SYNC_REQUEST in supported:
        return CheckItem(name, CheckStatus.PASSED, "the server offers RFC 4533: changes arrive as they happen")
    if settings.mode is OpenLDAPMode.AUTO:
        return CheckItem(name, CheckStatus.PASSED, "the server does not offer RFC 4533: full reads on the schedule")
    return CheckItem(name, CheckStatus.FAILED, "the server does not offer RFC 4533", 'load syncprov, or set mode = "poll"')
