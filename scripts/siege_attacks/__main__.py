"""Attacks a running gateway and measures what its victims notice: a table of what each attack did.

Exit code 1 when one did what it must not: searches over 20 ms at p99, a right password refused, more than 64 MiB taken, more
than 16 KiB of log lines a second."""

import argparse
import sys

from scripts.siege_attacks import siege, strangers, tenants
from scripts.siege_attacks.siege import Damage

HEAD = "| attack | searches p50 / p99 / worst (ms) | failed | log-ins p99 (ms) | refused | memory (MiB) | log lines (KiB/s) | |"


def milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.1f}"


def row(damage: Damage) -> str:
    noticed = damage.noticed
    logins = sorted(noticed.logins)
    refused = ", ".join(f"{count} × {code}" for code, count in sorted(noticed.refused.items())) or "0"
    delays = " / ".join(milliseconds(damage.percentile(share)) for share in (0.5, 0.99, 1.0))
    cells = (
        damage.attack,
        delays,
        str(noticed.failed_searches),
        milliseconds(logins[int(0.99 * len(logins))] if logins else None),
        f"{refused} of {len(logins)}",
        f"{damage.mebibytes:.0f}",
        f"{damage.log_bytes_a_second / 1024:.1f}",
        "✗ " + ", ".join(damage.failures) if damage.failures else "✓",
    )
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/siege", description=" ".join((__doc__ or "").split()))
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the probe measures each attack (default: 10)")
    parser.add_argument("--workers", type=int, default=1, help="the gateway's worker processes (default: 1, none)")
    parser.add_argument("--only", default="", help="only attacks with this in their name")
    arguments = parser.parse_args()
    attacks = {**strangers.ATTACKS, **tenants.attacks()}
    chosen = {name: attack for name, attack in attacks.items() if arguments.only.lower() in name.lower()}
    if not chosen:
        parser.error("there is no such attack; they are: " + ", ".join(attacks))
    print(f"{HEAD}\n|---|---|---|---|---|---|---|---|", flush=True)
    done = siege.run(chosen, arguments.seconds, arguments.workers, lambda damage: print(row(damage), flush=True))
    return int(any(damage.failures for damage in done))


if __name__ == "__main__":
    sys.exit(main())
