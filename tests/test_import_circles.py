"""No import circles, typing imports included: neither of modules, nor of packages that lie beside each other.

import-linter keeps the order of the packages (setup.cfg); this computes the circles themselves from the syntax trees."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
Graph = Mapping[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module by its dotted name, a package by its own."""
    named = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "gateway").rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def imports(path: Path, known: set[str]) -> set[str]:
    """The modules of ours that a file imports anywhere: at the top, in a function, under TYPE_CHECKING."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= parts & known
            names |= {node.module} if parts - known else set()
    return names & known


def graph() -> dict[str, set[str]]:
    known = modules()
    return {name: imports(path, set(known)) - {name} for name, path in known.items()}


def circle(edges: Graph) -> list[str]:
    """One circle, as a way that ends where it began; empty without any."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def between_siblings(edges: Graph, package: str) -> dict[str, set[str]]:
    """The imports between the children of a package, each child a module or a package with all below it."""

    def child(module: str) -> str | None:
        rest = module.removeprefix(f"{package}.")
        return None if rest == module else rest.partition(".")[0]

    found: dict[str, set[str]] = defaultdict(set)
    for module, imported in edges.items():
        if (one := child(module)) is not None:
            found[one] |= {other for other in map(child, imported) if other not in (None, one)}
    return found


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(graph()) == []


def test_no_packages_or_modules_of_one_folder_import_each_other_in_a_circle() -> None:
    edges = graph()
    packages = [name for name, path in modules().items() if path.name == "__init__.py"]
    circles = {package: way for package in packages if (way := circle(between_siblings(edges, package)))}
    assert circles == {}


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()}) != []
    assert between_siblings({"p.a.x": {"p.b"}, "p.b": {"p.a.y"}, "p.a.y": set()}, "p") == {"a": {"b"}, "b": {"a"}}
