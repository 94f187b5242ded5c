"""The runs of sources as the store keeps them: a part of `gateway status`, and its `--runs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from gateway.app.commands.reports.output import print_json, print_line, print_table
from gateway.model.runs import SyncRun
from gateway.store.engine.database import Connection
from gateway.store.operations import sync_runs
from gateway.sync.runner.statistics_text import in_words


class RunJson(TypedDict):
    """A run of a source."""

    id: int | None
    mode: str
    trigger: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    statistics: dict[str, int]
    in_words: str
    error: str


def of_run(run: SyncRun) -> RunJson:
    """Return a run as JSON shows it."""
    counts = {" ".join(key): count for key, count in sorted(run.statistics.counts.items())}
    return {
        "id": run.id,
        "mode": run.mode,
        "trigger": run.trigger,
        "status": run.status.value,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "statistics": counts,
        "in_words": in_words(run.statistics),
        "error": run.error,
    }


def of_sources(connection: Connection, names: Iterable[str], limit: int) -> dict[str, list[RunJson]]:
    """Return the last runs of each source, the newest first."""
    return {name: [of_run(run) for run in sync_runs.latest(connection, name, limit)] for name in names}


def show(runs: Mapping[str, Sequence[RunJson]], *, as_json: bool) -> None:
    """Print the runs, by source."""
    if as_json:
        print_json([{"source": name, "runs": found} for name, found in runs.items()])
        return
    for name, found in runs.items():
        print_line(f"source {name}")
        print_table(
            ("run", "started", "seconds", "mode", "trigger", "status", "what it did", "error"),
            (
                (
                    run["id"],
                    run["started_at"],
                    _seconds(run),
                    run["mode"],
                    run["trigger"],
                    run["status"],
                    run["in_words"],
                    run["error"],
                )
                for run in found
            ),
        )
        print_line()


def _seconds(run: RunJson) -> float | None:
    finished = run["finished_at"]
    return None if finished is None else round((finished - run["started_at"]).total_seconds(), 1)
