"""`gateway check` for an Active Directory source: beside the steps of any LDAP source, the controller, the way of reading
changes with the rights that a better one needs, and the account lockout policy."""

from collections.abc import Callable, Iterator
from datetime import datetime

from gateway.connectors.ldap.active_directory.change_tracker import TrackingForbidden
from gateway.connectors.ldap.active_directory.controller import DomainController, identify, lockout_policy, shows_tombstones
from gateway.connectors.ldap.active_directory.dirsync import DirSyncTracker
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode, ActiveDirectorySettings
from gateway.connectors.ldap.client import check, schema_check
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.model.connector import CheckItem, CheckStatus
from gateway.wire import oids


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
    """Show the domain's lockout policy: the gateway's own soft lock must come first."""
    name, cure = "account lockout", "keep [limits] bind_failures below that, and bind_failure_seconds at least as long"
    for policy in (lockout_policy(session, context) for context in controller.contexts):
        if policy is not None:
            failures, seconds = policy
            detail = f"the domain locks an account after {failures} wrong passwords within {seconds / 60:g} minutes: {cure}"
            return CheckItem(name, CheckStatus.PASSED, detail if failures else "the domain locks no accounts")
    return CheckItem(name, CheckStatus.SKIPPED, "bind_dn may not see the domain's policy")


def _synchronization(
    session: Session, settings: ActiveDirectorySettings, controller: DomainController, mappers: list[ActiveDirectoryEntryMapper]
) -> CheckItem:
    name = "synchronization"
    when = "as they happen" if oids.CHANGE_NOTIFICATION in controller.supported else f"every {settings.poll_seconds:g} s"
    if settings.mode is not ActiveDirectoryMode.USN:
        try:
            DirSyncTracker(session, controller.contexts, mappers, {}).start()
            return CheckItem(name, CheckStatus.PASSED, f"DirSync: changes are read {when}")
        except TrackingForbidden as forbidden:
            if settings.mode is ActiveDirectoryMode.DIRSYNC:
                return CheckItem(name, CheckStatus.FAILED, forbidden.error.what, forbidden.error.cure)
    if all(shows_tombstones(session, context) for context in controller.contexts):
        return CheckItem(name, CheckStatus.PASSED, f"by uSNChanged: changes are read {when}")
    detail = (
        "by uSNChanged on the schedule, with a list of all that is there: bind_dn may neither use DirSync nor see deleted "
        'objects; give it the right "Replicating Directory Changes" to have changes as they happen'
    )
    return CheckItem(name, CheckStatus.PASSED, detail)
