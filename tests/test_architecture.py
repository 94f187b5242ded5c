"""What the import contracts in setup.cfg cannot say about the shape of the program."""

import ast
import re
from collections.abc import Iterator
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
