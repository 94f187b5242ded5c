"""Kill a process that applies batches, at random moments, many times, and check the store after each death (law 2).

scripts/kill --rounds 1000                 a SQLite file in a temporary folder
scripts/kill --rounds 1000 --postgresql    a PostgreSQL server of its own
"""

import argparse
import itertools
import sys
import tempfile

from tests.servers.postgres import Postgres
from tests.sync.process_kills import Tally, kill_rounds


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="scripts/kill", description=__doc__, formatter_class=as_written)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    tally = _on_postgresql(options.rounds, options.seed) if options.postgresql else _on_sqlite(options.rounds, options.seed)
    killed = f"{tally.deaths} processes killed, {tally.between} of them between two commits"
    print(f"{killed}, {tally.finished} histories finished: {tally.complaint() or 'all well'}")
    if tally.complaint():
        sys.exit(1)


def _on_sqlite(rounds: int, seed: int) -> Tally:
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        return kill_rounds(lambda: f"sqlite:///{folder}/{next(numbers)}.db", rounds, seed)


def _on_postgresql(rounds: int, seed: int) -> Tally:
    numbers = itertools.count()
    server = Postgres()
    try:
        server.start()
        return kill_rounds(lambda: server.create_database(f"kill_{next(numbers)}"), rounds, seed)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
