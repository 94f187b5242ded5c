"""One attack from start to end: a fresh gateway, the attack in a process of its own, the probe beside it, what came of it."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.siege_attacks import victim as victims
from scripts.siege_attacks.probe import Noticed
from scripts.siege_attacks.strangers import Attack
from scripts.siege_attacks.victim import Victim

LEAD_SECONDS = 2.0
"""How long an attack goes on before the probe begins."""

MAX_P99_SECONDS, MAX_MEBIBYTES, MAX_LOG_BYTES_A_SECOND = 0.02, 64.0, 16_384


@dataclass(frozen=True, slots=True)
class Damage:
    """What an attack did. `log_bytes_a_second`: what the gateway wrote to standard error beside it."""

    attack: str
    noticed: Noticed
    mebibytes: float
    log_bytes_a_second: float
    alive: bool

    def percentile(self, share: float) -> float | None:
        ordered = sorted(self.noticed.searches)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

    @property
    def failures(self) -> list[str]:
        """What must not be, in words."""
        p99 = self.percentile(0.99)
        found = [
            (not self.alive, "the gateway ended"),
            (p99 is None or p99 > MAX_P99_SECONDS, "searches are late"),
            (bool(self.noticed.failed_searches), "searches failed"),
            (bool(self.noticed.refused), "right passwords were refused"),
            (self.mebibytes > MAX_MEBIBYTES, "memory"),
            (self.log_bytes_a_second > MAX_LOG_BYTES_A_SECOND, "log lines"),
        ]
        return [words for is_so, words in found if is_so]


def besiege(name: str, attack: Attack | None, seconds: float, workers: int) -> Damage:
    """What this attack does to a fresh gateway; None: nobody attacks."""
    with tempfile.TemporaryDirectory(prefix="siege-") as folder, victims.victim(Path(folder), workers) as victim:
        _probe(victim, 1.0)  # everything has been asked once
        before, written, began = victim.figures(), victim.log_bytes(), time.monotonic()
        attacker = None if attack is None else _attacker(attack, victim)
        try:
            time.sleep(LEAD_SECONDS)
            noticed = _probe(victim, seconds)
            alive = victim.alive
            memory = victim.figures().resident_mebibytes - before.resident_mebibytes if alive else 0.0
        finally:
            if attacker is not None:
                attacker.kill()
                attacker.join()
        return Damage(name, noticed, memory, (victim.log_bytes() - written) / (time.monotonic() - began), alive)


def _attacker(attack: Attack, victim: Victim) -> multiprocessing.process.BaseProcess:
    """The attack in a process that gives way to the gateway: a real one would run on another machine."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_attack, args=(attack, victim), daemon=True)
    process.start()
    return process


def _attack(attack: Attack, victim: Victim) -> None:
    os.nice(19)
    with suppress(OSError):
        asyncio.run(attack(victim))  # type: ignore[arg-type]


def _probe(victim: Victim, seconds: float) -> Noticed:
    command = [sys.executable, "-m", "scripts.siege_attacks.probe", *map(str, victim.ldap), str(seconds)]
    typed = f"{victim.probe.dn}\n{victim.probe.secret}\n"
    done = subprocess.run(command, input=typed, text=True, capture_output=True, check=True)
    return Noticed(**json.loads(done.stdout))


def run(attacks: dict[str, Attack], seconds: float, workers: int, report: Callable[[Damage], None]) -> list[Damage]:
    """Nothing first, then each attack; each is reported as it ends."""
    done: list[Damage] = []
    for name, attack in {"(nobody attacks)": None, **attacks}.items():
        done.append(besiege(name, attack, seconds, workers))
        report(done[-1])
    return done
