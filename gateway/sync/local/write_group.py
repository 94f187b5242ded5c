"""Local writes that are committed together: each is carried out as if it were alone, in their order, and one that fails takes
nothing of the others along.

Plain edits of different objects become one batch of the door, because they make no difference to each other: neither name,
place, members nor what refers to others is changed, and nobody is enabled. So four clients that each set an attribute cost the
directory little more than one."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.deltas import Delta
from gateway.model.edits import Edit
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection
from gateway.store.engine.dialects import STORE_ERRORS
from gateway.store.engine.transaction_notes import savepoint
from gateway.store.log import changes
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.sync.local import edit_checks, edit_deltas
from gateway.sync.local.source import LocalDoor, LocalWrite, ObjectEdit, Written


def carry_out(door: LocalDoor, connection: Connection, writes: Sequence[LocalWrite]) -> list[Written | Exception]:
    """Return the outcome of each write: an error for one of which nothing is kept. A single write's error is raised, and so is
    one of the store, after which the transaction is lost."""
    if len(writes) == 1:
        return [door.carry_out(connection, writes[0])]
    changes.lock(connection)  # outside of every savepoint: it is held to the commit
    outcomes: list[Written | Exception] = []
    while len(outcomes) < len(writes):
        rest = writes[len(outcomes) :]
        run = _plain_run(rest)
        together = _together(door, connection, run) if len(run) > 1 else None
        outcomes += together or [_alone(door, connection, write) for write in rest[: max(1, len(run))]]
    return outcomes


def _alone(door: LocalDoor, connection: Connection, write: LocalWrite) -> Written | Exception:
    try:
        with savepoint(connection):
            return door.carry_out(connection, write)
    except STORE_ERRORS:
        raise
    except Exception as error:
        return error


def _plain_run(writes: Sequence[LocalWrite]) -> list[ObjectEdit]:
    """Return the leading edits of different objects of one kind."""
    seen: set[str] = set()
    run: list[ObjectEdit] = []
    for write in writes:
        if not isinstance(write, ObjectEdit) or write.object_id in seen or (run and write.kind is not run[0].kind):
            break
        seen.add(write.object_id)
        run.append(write)
    return run


def _together(door: LocalDoor, connection: Connection, run: Sequence[ObjectEdit]) -> list[Written | Exception] | None:
    """Return the outcomes of edits that are carried out as one batch; None when they cannot be, and nothing is done."""
    before, kind = changes.lock(connection), run[0].kind
    ids = [one.object_id for one in run]
    things = OBJECT_STORES[kind].get_many(connection, ids)
    said = edit_checks.contributions(connection, ids)
    outcomes: list[Written | Exception] = []
    deltas: list[Delta] = []
    for one in run:
        try:
            thing = door.checked(kind, things.get(one.object_id))
            edit = edit_checks.difference(thing, one.edit(connection, thing))
            if not _is_plain(kind, edit):
                return None
            if edit.attributes:
                edit_checks.check_change(connection, kind, thing, edit, door.authority, said.get(thing.id, []))
                deltas.append(edit_deltas.of_edit(kind, thing.id, edit))
            outcomes.append(Written(kind, thing.id, before))
        except STORE_ERRORS:
            raise
        except Exception as error:
            outcomes.append(error)
    try:
        with savepoint(connection):
            problems = door.apply(connection, deltas) if deltas else ()
    except STORE_ERRORS:
        raise
    except Exception:  # each on its own shows which one it is
        return None
    numbers = changes.last_numbers(connection, before)
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Written):
            number = numbers.get(outcome.object_id, before)
            outcomes[place] = replace(outcome, change_number=number, problems=problems)
            problems = ()  # they are the batch's, and are reported once
    return outcomes


def _is_plain(kind: Kind, edit: Edit) -> bool:
    moves = edit.organizations is not None or edit.added_members or edit.removed_members or edit.referenced
    return not moves and NAMING_ATTRIBUTE[kind] not in edit.attributes and not edit_checks.enables(kind, edit)
