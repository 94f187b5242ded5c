"""Every defence that .github/SECURITY.md claims has its test."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / ".github" / "SECURITY.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def defences() -> list[str]:
    """The rows of the table of what is defended."""
    table = TEXT.partition("## What is defended")[2].partition("## What is not defended")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def test_every_test_that_is_named_is_there() -> None:
    missing = []
    for file, name in NAMED.findall(TEXT):
        path = ROOT / file
        nodes = ast.walk(ast.parse(path.read_text())) if path.exists() else ()
        if name not in {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}:
            missing.append(f"{file}::{name}")
    assert not missing


def test_every_defence_names_a_test() -> None:
    rows = defences()
    assert len(rows) > 15
    assert [row for row in rows if not NAMED.search(row)] == []
