"""`gateway check` for an Active Directory source: beside the steps of any LDAP source, the controller, the way of reading
changes with the rights that a better one needs, and the account lockout policy."""

from collections.abc import Callable, Iterator
from datetime import datetime

from gateway.connectors.ldap.active_directory import lockout_policies
from gateway.connectors.ldap.active_directory.changes.dirsync import DirSyncTracker
from gateway.connectors.ldap.active_directory.changes.tracker import ChangeTracker, TrackingForbidden
from gateway.connectors.ldap.active_directory.changes.usn import UsnTracker
from gateway.connectors.ldap.active_directory.controller import DomainController, identify
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper
from gateway.connectors.ldap.active_directory.reading_in_words import in_words, missing_right
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode, ActiveDirectorySettings
from gateway.connectors.ldap.client import check, schema_check
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.model.connector import CheckItem, CheckStatus


def items(settings: ActiveDirectorySettings, interruption: Interruption, now: Callable[[], datetime]) -> Iterator[CheckItem]:
    """Yield one item for each step; raises nothing."""
    later = ("domain controller", "synchronization", "account lockout", "schema")
    return check.connection_items(settings, interruption, later, lambda session: _reading(session, settings, now))


def _reading(session: Session, settings: ActiveDirectorySettings, now: Callable[[], datetime]) -> Iterator[CheckItem]:
    mappers = [ActiveDirectoryEntryMapper(settings.id, kind, now) for kind in settings.ordered_kinds]
    controller = identify(session, settings)
    yield CheckItem("domain controller", CheckStatus.PASSED, f"{controller.name}, holds {', '.join(controller.contexts)}")
    yield _synchronization(session, settings, controller, mappers)
    yield _lockout(session, controller)
    links = [link for mapper in mappers for link in mapper.links]
    asked = [name for mapper in mappers for name in mapper.identified_attributes]
    yield schema_check.check(session, [*asked, *links])
    yield from check.kind_items(session, mappers, settings.page_size)


def _lockout(session: Session, controller: DomainController) -> CheckItem:
    """Show the policies that lock accounts; the command compares them with the gateway's own soft lock."""
    name = "account lockout"
    for context in controller.contexts:
        domain = lockout_policies.of_domain(session, context)
        if domain is not None:
            locking = [domain] if domain.failures else []
            locking += lockout_policies.fine_grained(session, context)
            return CheckItem(name, CheckStatus.PASSED, check.lockouts_in_words(locking), lockouts=tuple(locking))
    return CheckItem(name, CheckStatus.SKIPPED, "bind_dn may not see the domain's policy")


def _synchronization(
    session: Session, settings: ActiveDirectorySettings, controller: DomainController, mappers: list[ActiveDirectoryEntryMapper]
) -> CheckItem:
    name = "synchronization"
    tracker: ChangeTracker = UsnTracker(session, controller.contexts, settings.page_size, 0)
    if settings.mode is not ActiveDirectoryMode.USN:
        try:
            by_dirsync = DirSyncTracker(session, controller.contexts, mappers, {})
            by_dirsync.start()
            tracker = by_dirsync
        except TrackingForbidden as forbidden:
            if settings.mode is ActiveDirectoryMode.DIRSYNC:
                return CheckItem(name, CheckStatus.FAILED, forbidden.error.what, forbidden.error.cure)
    reports = tracker.reports_deletions()
    detail = in_words(tracker.name, settings, controller, reports_deletions=reports)
    if reports:
        return CheckItem(name, CheckStatus.PASSED, detail)
    return CheckItem(name, CheckStatus.WARNED, detail, missing_right(controller))
