"""The table says what was reached and what was missed."""

from __future__ import annotations

import pytest

from scripts.benchmark.measure import Measured, Row, percentile
from scripts.benchmark.table import markdown, number


@pytest.mark.parametrize(
    ("row", "yardstick", "gateway", "reached"),
    [
        (Row("a", "per s", at_least_ratio=2.0), 100, 200, True),
        (Row("a", "per s", at_least_ratio=2.0), 100, 199, False),
        (Row("a", "s", at_most_ratio=0.5), 80, 40, True),
        (Row("a", "s", at_most_ratio=0.5), 80, 41, False),
        (Row("a", "MiB", at_most=200), None, 200, True),
        (Row("a", "MiB", at_most=200), 10, 201, False),
        (Row("a", "MiB", at_most=200), 10, None, False),
        (Row("a", "per s"), 100, 1, None),
    ],
)
def test_a_target_is_reached_or_missed(row: Row, yardstick: float | None, gateway: float | None, reached: bool | None) -> None:
    assert Measured(row, yardstick, gateway).reached is reached


def test_the_table_is_markdown_with_one_line_for_each_row() -> None:
    rows = [
        Measured(Row("search", "per s", at_least_ratio=1.0), 20_000, 31_000),
        Measured(Row("change", "ms", at_most=100), None, 2.5),
    ]
    lines = markdown(rows).splitlines()
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in (lines[0], *lines[2:])] == [
        ["work", "slapd", "gateway", "ratio", "to reach", ""],
        ["search (per s)", "20,000", "31,000", "1.55 ×", "≥ 1 ×", "✓"],
        ["change (ms)", "–", "2.50", "–", "≤ 100", "✓"],
    ]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.123, "0.12"), (12.34, "12.3"), (123.4, "123"), (1234567, "1,234,567")]
)
def test_numbers_keep_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert percentile(range(1, 101), share) == value
