"""Many clients at a time until the gateway has had its processor time; then what it has left of memory, files and complaints.

Client number n of a seed always does the same: `Random(f"{seed}/{n}")` makes its plan.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from scripts.fuzzing import plans
from scripts.fuzzing.canary import Canary
from scripts.fuzzing.conversation import hold
from scripts.fuzzing.judge import SurpriseError
from scripts.fuzzing.target import Figures, Target

CLIENTS = 24  # at a time
WARM_UP_SHARE = 0.3  # of the processor time; only what grows after it is a leak
SETTLE_SECONDS = 30.0  # after bind_seconds the gateway ends what was left half-open at the latest
SPARE_SOCKETS = 10  # the pool of the upstream's connections may be empty at one moment and full at the other
SPARE_FILES = 150
"""SQLite closes no descriptor of a file on which the process has a lock, but uses it for the next connection: as many stay as
there ever were snapshots at a time. So they may grow, slower and slower, up to the limit of snapshots."""
GROWTH_MEBIBYTES, GROWTH_SHARE = 16.0, 0.1
SHORT_SECONDS, SHORT_GROWTH_MEBIBYTES = 60.0, 64.0  # after a shorter warm-up the caches are still filling
MOST_FINDINGS = 10


@dataclass(slots=True)
class Report:
    """The outcome of a campaign. `findings` is empty when nothing was wrong."""

    seed: int
    findings: list[str] = field(default_factory=list)
    clients: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    figures: list[Figures] = field(default_factory=list)  # before, after the warm-up, at the end
    canary_questions: int = 0
    canary_slowest_seconds: float = 0.0


def run(target: Target, cpu_seconds: float, seed: int, say: Callable[[str], None] = lambda _: None) -> Report:
    """Fuzz the target until it has used that much processor time, or enough is found."""
    report = Report(seed)
    canary = Canary(target.canary)
    report.figures.append(target.figures())
    canary.start()
    asyncio.run(_fuzz(target, report, cpu_seconds, canary, say))
    canary.stop()
    report.canary_questions, report.canary_slowest_seconds = canary.questions, canary.slowest_seconds
    if canary.complaint:
        report.findings.append(canary.complaint)
    if not target.alive:
        report.findings.append(f"the gateway is gone; the end of its log:\n{target.log_text()[-3000:]}")
    report.findings += [f"in the log: {line}" for line in dict.fromkeys(target.complaints())][:MOST_FINDINGS]
    return report


async def one(target: Target, seed: int, number: int) -> int:
    """Client `number` of a seed, alone; how many answers it had. Raises SurpriseError."""
    return await hold(plans.make(Random(f"{seed}/{number}"), target.fuzz), target.fuzz)


async def _fuzz(target: Target, report: Report, cpu_seconds: float, canary: Canary, say: Callable[[str], None]) -> None:
    numbers = iter(range(2**63))
    start = target.figures().cpu_seconds
    for share in (WARM_UP_SHARE, 1.0):

        def enough(until: float = start + cpu_seconds * share) -> bool:
            over = not target.alive or bool(canary.complaint) or len(report.findings) >= MOST_FINDINGS
            return over or target.figures().cpu_seconds >= until

        await asyncio.gather(*(_client(target, report, numbers, enough, say) for _ in range(CLIENTS)))
        if not target.alive:
            return
        await _settle(target, report.figures[0].sockets)
        report.figures.append(target.figures())
        say(f"{sum(report.clients.values()):,} clients, {report.answers:,} answers, {report.figures[-1]}")
    report.findings += leaks(*report.figures)


async def _client(
    target: Target, report: Report, numbers: Iterator[int], enough: Callable[[], bool], say: Callable[[str], None]
) -> None:
    """Run one client after the other, until the time is over."""
    while not enough():
        number = next(numbers)
        plan = plans.make(Random(f"{report.seed}/{number}"), target.fuzz)
        report.clients[plan.name] += 1
        try:
            answers = await hold(plan, target.fuzz)
            report.answers += answers
        except SurpriseError as error:
            if not target.alive:
                return
            report.findings.append(f"client {number} of seed {report.seed} ({plan.name}): {error}")
            say(report.findings[-1])


async def _settle(target: Target, sockets: int) -> None:
    """Wait until the gateway has noticed that all of them are gone."""
    deadline = monotonic() + SETTLE_SECONDS
    while target.figures().sockets > sockets + SPARE_SOCKETS and monotonic() < deadline:
        await asyncio.sleep(0.1)


def leaks(before: Figures, warm: Figures, after: Figures) -> list[str]:
    """Return the resources that have grown and should not have."""
    found = []
    growth = after.resident_mebibytes - warm.resident_mebibytes
    is_short = warm.cpu_seconds - before.cpu_seconds < SHORT_SECONDS
    allowed = SHORT_GROWTH_MEBIBYTES if is_short else max(GROWTH_MEBIBYTES, GROWTH_SHARE * warm.resident_mebibytes)
    if growth > allowed:
        found.append(f"memory grew by {growth:.1f} MiB after the warm-up, to {after.resident_mebibytes:.1f} MiB")
    if after.sockets > before.sockets + SPARE_SOCKETS:
        found.append(f"{after.sockets} sockets are open; before it were {before.sockets}")
    if after.files > warm.files + SPARE_FILES:
        found.append(f"{after.files} files are open; after the warm-up it were {warm.files}")
    return found
