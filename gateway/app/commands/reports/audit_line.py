"""The audit line of a command that changed something: what, and by whom; a log line, and a line of the system's log."""

from __future__ import annotations

import structlog

from gateway.app.commands.reports.operator_name import login_name
from gateway.app.config.settings import Settings
from gateway.app.process import log_setup, system_log
from gateway.model.printable_text import printable_json

_log = structlog.get_logger("gateway.audit")


def write(settings: Settings, event: str, **fields: object) -> None:
    """Write the line, after the transaction; no field may be a secret. It never fails the command."""
    by = login_name()
    log_setup.configure(settings.log.level, settings.log.format)
    _log.info(event, by=by, **fields)
    system_log.send(printable_json({"event": event, "by": by, **fields}, default=str))
