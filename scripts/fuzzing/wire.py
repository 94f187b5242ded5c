"""Feeds damaged messages, entries, controls and filters to every reader of gateway.wire, and stops at the first surprise.

A surprise is any exception but WireError, or a value that is not stable: then the input is printed in hexadecimal, and the
exit code is 1. The same seed and count give the same inputs, whatever the number of processes.
"""

import argparse
import multiprocessing
import random
import sys
import time

from tests.wire import mutations

CHUNK = 2_000


def surprise(seed: str) -> str | None:
    """The first surprise among CHUNK inputs from this seed, as a line to print."""
    source = random.Random(seed)
    for _ in range(CHUNK):
        data = mutations.mutate(source)
        try:
            mutations.read_in_every_way(data)
        except Exception as error:
            return f"{type(error).__name__}: {error}\n{data.hex()}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz_wire", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="inputs, rounded up to 2,000 (default: a million)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="default: another one each time")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    seeds = [f"{arguments.seed}/{n}" for n in range(-(-arguments.count // CHUNK))]
    print(f"seed {arguments.seed}", flush=True)
    started = time.monotonic()
    with multiprocessing.Pool(arguments.processes) as pool:
        for done, found in enumerate(pool.imap(surprise, seeds), start=1):
            if found is not None:
                print(found)
                return 1
            if sys.stdout.isatty():
                print(f"\r{done * CHUNK:,}", end="\r", flush=True)
    seconds = time.monotonic() - started
    inputs = len(seeds) * CHUNK
    print(f"{inputs:,} inputs in {seconds:.1f} s, {inputs / seconds:,.0f} per second: nothing but WireErrors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
