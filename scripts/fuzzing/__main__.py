"""Fuzzes a running gateway: clients that are damaged, cut off, too large, too slow, rude or merely busy, many at a time.

The process must live on, answer nothing that was not asked, answer well-formed, serve a canary in time all the while, log no
error of its own, and keep neither memory nor open files. What was wrong is printed with the seed and the number of the
client that met it (again alone: --seed S --client N); then the exit code is 1.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from pathlib import Path

from scripts.fuzzing import campaign, target
from scripts.fuzzing.judge import SurpriseError


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz_server", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="processor time of the gateway (default: 10)")
    parser.add_argument("--workers", type=int, default=1, help="the gateway's worker processes (default: 1, none)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="default: another one each time")
    parser.add_argument("--client", type=int, help="only this client of the seed")
    arguments = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each client that talks on after it was cut off
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, target.serving(Path(folder), arguments.workers) as gateway:
        if arguments.client is not None:
            return alone(gateway, arguments.seed, arguments.client)
        report = campaign.run(gateway, arguments.minutes * 60, arguments.seed, lambda text: print(text, flush=True))
    print(f"clients: {', '.join(f'{name} {count:,}' for name, count in report.clients.most_common())}")
    slowest = f"the slowest after {report.canary_slowest_seconds:.2f} s"
    print(f"{report.answers:,} answers, and {report.canary_questions:,} to the canary, {slowest}")
    for name, seen in zip(("before", "after the warm-up", "at the end"), report.figures, strict=False):
        held = f"{seen.resident_mebibytes:.1f} MiB resident, {seen.sockets} sockets, {seen.files} other files"
        print(f"{name}: {held}, {seen.cpu_seconds:.1f} s of processor time")
    for finding in report.findings:
        print(f"FOUND: {finding}")
    return 1 if report.findings else 0


def alone(gateway: target.Target, seed: int, number: int) -> int:
    try:
        print(f"{asyncio.run(campaign.one(gateway, seed, number)):,} answers")
    except SurpriseError as error:
        print(f"FOUND: {error}")
    print(gateway.log_text())
    return int(bool(gateway.complaints()))


if __name__ == "__main__":
    sys.exit(main())
