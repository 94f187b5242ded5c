"""The port through which writes leave the LDAP server: the store, and the door for what is written here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.store.engine.database import Database
from gateway.sync.local.source import LocalDoor


@dataclass(frozen=True, slots=True)
class Writer:
    """`now` gives aware UTC times."""

    database: Database
    door: LocalDoor
    now: Callable[[], datetime]
