"""The result as a Markdown table, the way it stands in the README."""

from __future__ import annotations

from collections.abc import Iterable

from scripts.benchmark.measure import Measured, Row

HEAD = ("work", "slapd", "gateway", "ratio", "to reach", "")


def markdown(rows: Iterable[Measured], names: tuple[str, str] = ("slapd", "gateway")) -> str:
    """One line for each row, the columns padded so that it reads well in a terminal too."""
    cells = [(HEAD[0], *names, *HEAD[3:])]
    cells += [
        (
            f"{one.row.name} ({one.row.unit})",
            number(one.yardstick),
            number(one.gateway),
            "–" if one.ratio is None else f"{one.ratio:.2f} ×",
            target(one.row),
            {None: "", True: "reached", False: "missed"}[one.reached],
        )
        for one in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def number(value: float | None) -> str:
    """Three digits at least where they mean something, thousands set apart."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def target(row: Row) -> str:
    if row.at_most is not None:
        return f"≤ {row.at_most:g}"
    if row.at_least_ratio is not None:
        return f"≥ {row.at_least_ratio:.1f} ×"
    return f"≤ {row.at_most_ratio:.1f} ×" if row.at_most_ratio is not None else ""
