"""The way in which changes and deletions of a domain are read, as a sentence for `gateway check` and `gateway status`."""

from typing import Final

from gateway.connectors.ldap.active_directory.changes.dirsync import DirSyncTracker
from gateway.connectors.ldap.active_directory.controller import DomainController
from gateway.connectors.ldap.active_directory.settings import ActiveDirectorySettings
from gateway.wire import oids

WAYS: Final = {DirSyncTracker.name: "DirSync"}  # else uSNChanged
MISSING_RIGHT: Final = (
    'give bind_dn the rights "List Contents" and "Read Property" on CN=Deleted Objects of the domain, as an administrator: '
    'dsacls "CN=Deleted Objects,{context}" /takeownership, then dsacls "CN=Deleted Objects,{context}" /G "ACCOUNT:LCRP"'
)


def in_words(
    tracker: str,
    settings: ActiveDirectorySettings,
    controller: DomainController,
    *,
    reports_deletions: bool,
    follow: bool = True,
) -> str:
    """Return how changes and deletions are read by this tracker."""
    notified = oids.CHANGE_NOTIFICATION in controller.supported
    when = ("as they happen" if notified else f"every {settings.poll_seconds:g} s") if follow else "at each run"
    changes = f"changes by {WAYS.get(tracker, 'uSNChanged')} {when}"
    if reports_deletions:
        return f"{changes}, deletions too"
    compared = f"every {settings.poll_seconds:g} s (less often in a large domain)" if follow else "at each run"
    return f"{changes}; deletions by comparing {compared} because bind_dn is shown no deleted objects"


def missing_right(controller: DomainController) -> str:
    """Return the cure: the right by which an account is shown deleted objects."""
    return MISSING_RIGHT.format(context=controller.contexts[0])
