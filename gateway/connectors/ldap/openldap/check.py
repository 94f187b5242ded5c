"""`gateway check` for an OpenLDAP source: beside the steps of any LDAP source, how changes will be read."""

from collections.abc import Iterator

from gateway.connectors.ldap.client import check, schema_check, search
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper
from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, OpenLDAPSettings
from gateway.model.connector import CheckItem, CheckStatus
from gateway.wire import oids


def items(settings: OpenLDAPSettings, interruption: Interruption) -> Iterator[CheckItem]:
    """Yield one item for each step; raises nothing. The steps of a further address are tried even when the first one works."""
    return check.connection_items(
        settings, interruption, ("synchronization", "schema"), lambda session: _reading(session, settings)
    )


def _reading(session: Session, settings: OpenLDAPSettings) -> Iterator[CheckItem]:
    supported = search.read_root_dse(session).get("supportedcontrol", [])
    yield _synchronization(settings, supported)
    mappers = [OpenLDAPEntryMapper(settings, kind) for kind in settings.ordered_kinds]
    yield schema_check.check(session, [name for mapper in mappers for name in mapper.identified_attributes])
    yield from check.kind_items(session, mappers, settings.page_size if oids.PAGED_RESULTS in supported else None)


def _synchronization(settings: OpenLDAPSettings, supported: list[str]) -> CheckItem:
    name = "synchronization"
    if settings.mode is OpenLDAPMode.POLL or not settings.identifies_by_uuid:
        return CheckItem(name, CheckStatus.PASSED, "full reads on the schedule, as configured")
    if oids.SYNC_REQUEST in supported:
        return CheckItem(name, CheckStatus.PASSED, "the server offers RFC 4533: changes arrive as they happen")
    if settings.mode is OpenLDAPMode.AUTO:
        return CheckItem(name, CheckStatus.PASSED, "the server does not offer RFC 4533: full reads on the schedule")
    return CheckItem(name, CheckStatus.FAILED, "the server does not offer RFC 4533", 'load syncprov, or set mode = "poll"')
