"""The table of the door's stages is what the code does."""

import ast
import dataclasses
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sync import stages
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stages import INPUTS, STAGES, Stage

SYNC = Path(stages.__file__).parent


def parameters(stage: Stage) -> list[object]:
    """The types of the stage function's parameters, but the transaction's."""
    hints = typing.get_type_hints(stage.function)
    names = inspect.signature(stage.function).parameters
    return [hints[name] for name in names if hints[name] is not SourceTransaction]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_reads_and_returns_what_its_function_declares(stage: Stage) -> None:
    results = {one.returns for one in STAGES if one.returns is not None}
    assert tuple(hint for hint in parameters(stage) if hint in results) == stage.reads
    assert {hint for hint in parameters(stage) if hint not in results} <= set(INPUTS)
    assert typing.get_type_hints(stage.function)["return"] is (stage.returns or type(None))


def test_every_stage_reads_results_of_earlier_stages_alone() -> None:
    made: set[type] = set()
    for stage in STAGES:
        assert set(stage.reads) <= made, stage.name
        if stage.returns is not None:
            assert stage.returns not in made, f"{stage.name}: another stage returns this already"
            made.add(stage.returns)


def test_every_result_but_the_last_is_read_by_a_later_stage() -> None:
    read = {result for stage in STAGES for result in stage.reads}
    assert [stage.name for stage in STAGES if stage.returns not in read | {None}] == ["outcomes"]


def test_what_the_stages_share_and_their_results_are_frozen() -> None:
    for shared in (SourceTransaction, *(stage.returns for stage in STAGES if stage.returns is not None)):
        assert dataclasses.is_dataclass(shared)
        assert vars(shared)["__dataclass_params__"].frozen, shared


def test_the_stages_run_in_the_order_of_the_table() -> None:
    functions = [f"{stage.function.__module__.rpartition('.')[2]}.{stage.function.__name__}" for stage in STAGES]
    tree = ast.parse(inspect.getsource(stages.run))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    called = [ast.unparse(call.func) for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset))]
    assert called == functions[2:]  # the intake and the removal, or what stands for them, are made in inbound.py


def assignments_to(names: set[str]) -> Iterator[Path]:
    for path in sorted(SYNC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
            if any(isinstance(one, ast.Attribute) and one.attr in names for one in targets):
                yield path.relative_to(SYNC)


def test_only_correlation_changes_a_record_under_work() -> None:
    changing = set(assignments_to({"row", "stored", "delta", "batch_index", "earlier_dns", "is_invalid"}))
    assert {path.parts[0] for path in changing} == {"correlation"}


def test_only_the_door_and_the_dry_run_call_stages() -> None:
    """Review, lifecycle and local writes enter through `Inbound`."""
    importing = {
        path.relative_to(SYNC)
        for path in SYNC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(("sync.stage_results", "sync.source_transaction"))
    }
    stage_folders = {"intake", "correlation", "references", "objects"}
    outside = {str(path) for path in importing if path.parts[0] not in stage_folders}
    assert outside == {"inbound.py", "guarded_deletions.py", "stages.py", "runner/dry_run.py", "runner/foreseen_members.py"}
