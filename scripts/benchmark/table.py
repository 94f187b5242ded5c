"""The results as a Markdown table, the way it stands in the README, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from scripts.benchmark.measure import Measured, Row

HEAD = ("work", "slapd", "gateway", "ratio", "to reach", "")
REACHED = {None: "", True: "✓", False: "✗"}


def markdown(rows: Iterable[Measured]) -> str:
    """One line for each row, the columns padded so that it reads well in a terminal too."""
    cells = [HEAD]
    cells += [
        (
            f"{one.row.name} ({one.row.unit})".replace("|", "\\|"),  # a filter may hold one
            f"{number(one.yardstick)} ({one.row.against})" if one.row.against else number(one.yardstick),
            number(one.gateway),
            "–" if one.ratio is None else f"{one.ratio:.2f} ×",
            target(one.row),
            REACHED[one.reached],
        )
        for one in rows
    ]
    widths = [max(3, *(len(line[column]) for line in cells)) for column in range(len(HEAD))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def as_json(rows: Iterable[Measured], circumstances: Mapping[str, object]) -> str:
    """Every row with all that was measured, for programs; the medians are not rounded."""
    return json.dumps({**circumstances, "rows": [one.facts() for one in rows]}, indent=2, ensure_ascii=False)


def number(value: float | None) -> str:
    """Three digits at least where they mean something, thousands set apart."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def target(row: Row) -> str:
    if row.at_most is not None:
        return f"≤ {row.at_most:g}"
    if row.at_least_ratio is not None:
        return f"≥ {row.at_least_ratio:.3g} ×"
    return f"≤ {row.at_most_ratio:.3g} ×" if row.at_most_ratio is not None else ""
