"""What the import contracts in setup.cfg cannot say about the shape of the program."""

import ast
import configparser
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from gateway.app.connector_kinds.registry import SOURCE_KINDS

GATEWAY = Path(__file__).parent.parent / "gateway"

DIRECTORY_NOUNS = {"users", "organizations", "groups", "memberships", "records", "record_rows", "references"}
WRITING = {"insert", "update", "replace", "delete", "remove", "add", "rename", "remove_objects", "append"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(GATEWAY.rglob("*.py")):
        yield path.relative_to(GATEWAY), ast.parse(path.read_text())


def calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(noun, verb) of every call of the form `noun.verb(…)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            yield node.func.value.id, node.func.attr


def named(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(noun, name) of every `noun.name`, called or handed on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


def stores(tree: ast.Module) -> set[str]:
    """The nouns of the store that a module imports."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("gateway.store.")
        for alias in node.names
    }


def test_law_1_only_the_door_writes_the_directory() -> None:
    writers = {
        str(path)
        for path, tree in modules()
        if path.parts[0] not in ("store", "sync")
        and any(noun in DIRECTORY_NOUNS & stores(tree) and verb in WRITING for noun, verb in calls(tree))
    }
    assert writers == set()


def test_law_1_the_log_is_appended_to_by_the_door_alone() -> None:
    appending = [path for path, tree in modules() if "changes" in stores(tree) and ("changes", "append") in set(calls(tree))]
    assert {path.parts[0] for path in appending} == {"sync"}


def test_only_sync_directory_and_store_lock_the_change_log() -> None:
    locking = [path for path, tree in modules() if "changes" in stores(tree) and ("changes", "lock") in set(named(tree))]
    assert {path.parts[0] for path in locking} <= {"sync", "directory", "store"}


def test_every_module_is_headed_by_its_rule() -> None:
    headless = [str(path) for path, tree in modules() if ast.get_docstring(tree) is None and tree.body]
    assert headless == []


def test_only_a_kinds_own_folder_asks_which_kind_a_source_table_is() -> None:
    tables = {kind.table.__name__ for kind in SOURCE_KINDS.values()} | {"SourceTable", "LdapSourceTable"}
    asking = {
        (str(path), node.lineno)
        for path, tree in modules()
        if path.parts[:2] != ("app", "connector_kinds") or len(path.parts) == 3
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass")
        for named in ast.walk(node.args[1])
        if isinstance(named, ast.Name) and named.id in tables
    }
    assert asking == set()


def test_nothing_outside_the_registry_of_kinds_imports_a_kind() -> None:
    kinds = re.compile(r"gateway\.app\.connector_kinds\.\w+\.")
    importing = {
        str(path)
        for path, tree in modules()
        if path.parts[:2] != ("app", "connector_kinds")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and kinds.match(f"{node.module}")
    }
    assert importing == set()


OUR_PRIVATE_NAMES_OF_OTHERS = {"_replace", "_make", "_fields", "_asdict", "_exit", "_Hash"}
"""Names with an underscore that are documented all the same (namedtuple, os._exit), or a type that has no other name."""


def private_names(tree: ast.Module) -> set[str]:
    """The private attributes that a module reads, writes or calls."""
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in found if name.startswith("_") and not name.startswith("__")}


def defined_names(tree: ast.Module) -> set[str]:
    """The names of methods and attributes that a module's classes define, and of its variables and functions."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def outside_twisted_internals() -> list[tuple[Path, ast.Module]]:
    return [(path, tree) for path, tree in modules() if path.parts[0] != "twisted_internals"]


def test_only_twisted_internals_reads_private_attributes_of_objects_that_are_not_ours() -> None:
    outside = outside_twisted_internals()
    ours = OUR_PRIVATE_NAMES_OF_OTHERS.union(*(defined_names(tree) for _, tree in outside))
    foreign = {str(path): private_names(tree) - ours for path, tree in outside}
    assert {path: names for path, names in foreign.items() if names} == {}


def test_only_twisted_internals_imports_private_modules_and_names_of_twisted() -> None:
    private = re.compile(r"^twisted\b.*\._")
    found = [
        f"{path}: {name}"
        for path, tree in outside_twisted_internals()
        for node in ast.walk(tree)
        for name in imported(node)
        if private.match(name)
    ]
    assert found == []


def imported(node: ast.AST) -> list[str]:
    """The dotted names that an import statement brings, those of `from` with their module in front."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def test_only_twisted_internals_overrides_private_parts_of_twisteds_classes() -> None:
    overridden = [
        f"{one.__module__}.{one.__name__}.{name}"
        for path, _ in outside_twisted_internals()
        if path.name not in ("__main__.py", "env.py") and "versions" not in path.parts
        for one in classes_of(path)
        for name in vars(one)
        if name.startswith("_") and not name.startswith("__") and any(name in vars(base) for base in twisteds(one))
    ]
    assert overridden == []


def classes_of(path: Path) -> list[type]:
    name = ".".join(("gateway", *path.with_suffix("").parts)).removesuffix(".__init__")
    found = vars(importlib.import_module(name)).values()
    return [one for one in found if inspect.isclass(one) and one.__module__ == name]


def twisteds(one: type) -> list[type]:
    return [base for base in one.__mro__ if base.__module__.startswith("twisted.")]


def test_every_library_that_the_gateway_imports_is_declared() -> None:
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(GATEWAY.parent / "setup.cfg")
    lines = setup["options"]["install_requires"].strip().splitlines()
    declared = {normal(re.split(r"[\[<>=!~ ]", line, maxsplit=1)[0]) for line in lines}
    tops = {name.partition(".")[0] for _, tree in modules() for node in ast.walk(tree) for name in imported(node)}
    libraries = tops - sys.stdlib_module_names - {"gateway", "_typeshed"}  # the latter only for type checkers
    distributions = packages_distributions()
    undeclared = {one for one in libraries if not {normal(name) for name in distributions[one]} & declared}
    assert undeclared == set()


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
