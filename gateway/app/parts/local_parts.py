"""The parts that write for the gateway itself, not for a source: its own door, decisions about links, and background jobs.

Nothing is opened or started here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from twisted.internet.interfaces import IReactorTime

from gateway.app.config.settings import Settings
from gateway.app.parts import clock, lease_holder
from gateway.app.parts.source_parts import SourceParts
from gateway.model.connector import LOCAL, LOCAL_TYPE
from gateway.store.engine.database import Database
from gateway.sync.backfill.authority import AuthorityBackfill
from gateway.sync.backfill.job import BackgroundJob
from gateway.sync.backfill.posix_numbers import PosixNumberBackfill
from gateway.sync.inbound import Inbound
from gateway.sync.lifecycle.leaver_sweep import LeaverSweep
from gateway.sync.lifecycle.log_retention import LogRetention
from gateway.sync.local.source import LocalDoor
from gateway.sync.review.link_decisions import Decisions


def own_inbound(settings: Settings) -> Inbound:
    """Return the door for what the gateway does by itself."""
    return Inbound(LOCAL, LOCAL_TYPE, now=clock.now, posix=settings.posix.numbers(), authority=settings.authority.authority())


def local_door(settings: Settings) -> LocalDoor:
    """Return the door for what clients and administrators write in the gateway."""
    return LocalDoor(clock.now, settings.posix.numbers(), settings.authority.authority())


def decisions(settings: Settings, sources: Sequence[SourceParts]) -> Decisions:
    """Return the door for an administrator's decisions about records."""
    return Decisions({parts.table.name: parts.inbound for parts in sources}, own_inbound(settings), clock.now)


def background_jobs(settings: Settings, database: Database, reactor: IReactorTime) -> Sequence[BackgroundJob]:
    """Return the background jobs on objects that are in the directory already."""
    own, numbers = own_inbound(settings), settings.posix.numbers()
    filling = [PosixNumberBackfill(database, numbers, clock.now)] if numbers is not None and numbers.allocate else []
    sweeping = LeaverSweep(database, own, settings.leaver_grace(), lease_holder.name(), clock.now, reactor)
    days = settings.store.change_log_days
    retention = [LogRetention(database, timedelta(days=days), lease_holder.name(), clock.now, reactor)] if days else []
    return [AuthorityBackfill(database, own), sweeping, *retention, *filling]
