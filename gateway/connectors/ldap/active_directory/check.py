"""`gateway check` for an Active Directory source: beside the steps of any LDAP source, which controller it is and how changes
will be read, with what the account is missing for more."""

from collections.abc import Callable, Iterator
from datetime import datetime

from gateway.connectors.ldap.active_directory.change_tracker import NotAllowed
from gateway.connectors.ldap.active_directory.controller import DomainController, identify, lockout_policy, shows_tombstones
from gateway.connectors.ldap.active_directory.dirsync import DirSyncTracker
from gateway.connectors.ldap.active_directory.entry_to_delta import ActiveDirectoryEntryMapper
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryMode, ActiveDirectorySettings
from gateway.connectors.ldap.client import check, schema_check
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.model.connector import CheckItem, CheckStatus
from gateway.wire import oids


def items(settings: ActiveDirectorySettings, interruption: Interruption, now: Callable[[], datetime]) -> Iterator[CheckItem]:
    """One item for each step; raises nothing."""
    later = ("domain controller", "synchronization", "account lockout", "schema")
    return check.connected(settings, interruption, later, lambda session: _reading(session, settings, now))


def _reading(session: Session, settings: ActiveDirectorySettings, now: Callable[[], datetime]) -> Iterator[CheckItem]:
    readers = [ActiveDirectoryEntryMapper(settings.id, kind, now) for kind in settings.ordered_kinds]
    controller = identify(session, settings)
    yield CheckItem("domain controller", CheckStatus.PASSED, f"{controller.name}, holds {', '.join(controller.contexts)}")
    yield _synchronization(session, settings, controller, readers)
    yield _lockout(session, controller)
    links = [link for reader in readers for link in reader.links]
    asked = [name for reader in readers for name in reader.identified_attributes]
    yield schema_check.check(session, [*asked, *links])
    yield from check.kinds(session, readers, settings.page_size)


def _lockout(session: Session, controller: DomainController) -> CheckItem:
    """What the domain does with guessers: the gateway's own lock must come first."""
    name, cure = "account lockout", "keep [limits] bind_failures below that, and bind_failure_seconds at least as long"
    for policy in (lockout_policy(session, context) for context in controller.contexts):
        if policy is not None:
            failures, seconds = policy
            detail = f"the domain locks an account after {failures} wrong passwords within {seconds / 60:g} minutes: {cure}"
            return CheckItem(name, CheckStatus.PASSED, detail if failures else "the domain locks no accounts")
    return CheckItem(name, CheckStatus.SKIPPED, "bind_dn may not see the domain's policy")


def _synchronization(
    session: Session, settings: ActiveDirectorySettings, controller: DomainController, readers: list[ActiveDirectoryEntryMapper]
) -> CheckItem:
    name = "synchronization"
    told = "as they happen" if oids.CHANGE_NOTIFICATION in controller.supported else f"every {settings.poll_seconds:g} s"
    if settings.mode is not ActiveDirectoryMode.USN:
        try:
            DirSyncTracker(session, controller.contexts, readers, {}).start()
            return CheckItem(name, CheckStatus.PASSED, f"DirSync: changes are read {told}")
        except NotAllowed as error:
            if settings.mode is ActiveDirectoryMode.DIRSYNC:
                return CheckItem(name, CheckStatus.FAILED, error.refused.what, error.refused.cure)
    if all(shows_tombstones(session, context) for context in controller.contexts):
        return CheckItem(name, CheckStatus.PASSED, f"by uSNChanged: changes are read {told}")
    detail = (
        "by uSNChanged on the schedule, with a list of all that is there: bind_dn may neither use DirSync nor see deleted "
        'objects; give it the right "Replicating Directory Changes" to have changes as they happen'
    )
    return CheckItem(name, CheckStatus.PASSED, detail)
