"""The schema: made by migrations, equal to the tables, checked before use."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway.model.errors import StoreUnavailable
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.store.engine import migrate as migrate_module
from gateway.store.engine import schema_guard
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import check_schema, migrate
from gateway.store.log import changes
from gateway.store.objects import organizations, users
from gateway.store.operations.instance import instance_id
from gateway.store.records import record_rows
from gateway.store.tables import metadata
from tests.app.installation import until


def test_the_migrations_make_exactly_the_tables_that_the_statements_are_built_on(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    assert database.read_blocking(differences) == []


def test_an_empty_store_is_refused_with_the_command_that_cures_it(store_url: str) -> None:
    database = Database(store_url)
    with pytest.raises(StoreUnavailable, match="is empty: run `gateway migrate`"):
        check_schema(database)
    database.close()


def test_migrating_twice_changes_nothing(database: Database) -> None:
    before = database.read_blocking(instance_id)
    migrate(database)
    check_schema(database)
    assert database.read_blocking(instance_id) == before


def test_a_store_of_a_newer_program_is_refused_and_left_alone(database: Database) -> None:
    database.write_blocking(lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    for operation in (check_schema, migrate):
        with pytest.raises(StoreUnavailable, match="migrated by a newer one"):
            operation(database)


def test_of_several_nodes_that_migrate_an_empty_store_at_once_none_fails(postgres_database: str) -> None:
    nodes = [Database(postgres_database) for _ in range(4)]
    with ThreadPoolExecutor(len(nodes)) as threads:
        list(threads.map(migrate, nodes))
    ids = {node.read_blocking(instance_id) for node in nodes}
    for node in nodes:
        check_schema(node)
        node.close()
    assert len(ids) == 1


def test_a_node_writes_nothing_more_after_a_newer_one_has_migrated_the_store(store_url: str, database: Database) -> None:
    running = Database(store_url)
    check_schema(running)
    newer = Database(store_url)
    newer.write_blocking(lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreUnavailable, match=r"schema \(9999\) that is not this program's .* writes nothing more: restart"):
        running.write_blocking(lambda connection: pytest.fail("it has begun to write"))
    assert running.read_blocking(instance_id)
    newer.write_blocking(lambda c: c.execute(sa.text(f"UPDATE alembic_version SET version_num = '{migrate_module.NEWEST}'")))
    running.write_blocking(changes.lock)
    for opened in (running, newer):
        opened.close()


def test_a_migration_waits_for_what_is_being_written(postgres_database: str) -> None:
    node, newer = Database(postgres_database), Database(postgres_database)
    migrate(node)
    order, writing, go_on = [], threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        writing.set()
        go_on.wait(30)
        order.append("written")

    def migration(connection: Connection) -> None:
        schema_guard.hold_for_migration(connection)
        order.append("migrated")

    with ThreadPoolExecutor(2) as threads:
        pending = [threads.submit(node.write_blocking, work)]
        writing.wait(30)
        pending.append(threads.submit(newer.write_blocking, migration))
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        until(lambda: node.read_blocking(lambda c: c.execute(waiting).scalar()), "the migration waits")
        go_on.set()
        for each in pending:
            each.result()
    assert order == ["written", "migrated"]
    for opened in (node, newer):
        opened.close()


def test_a_new_store_has_an_instance_id_that_fits_into_a_url(database: Database) -> None:
    assert re.fullmatch(r"idaas_[a-z2-7]{20}", database.read_blocking(instance_id))


def test_a_new_store_has_the_root_organization_as_its_first_change(database: Database) -> None:
    root = database.read_blocking(lambda c: organizations.get(c, ROOT_ORGANIZATION_ID))
    assert root is not None
    assert root.parent_id is None
    (change,) = database.read_blocking(lambda c: changes.after(c, 0, 10))
    assert (change.number, change.kind, change.object) == (1, Kind.ORGANIZATION, root)


def test_a_store_that_root_makes_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    database = Database(f"sqlite:///{tmp_path}/owned.db")
    migrate(database)
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in tmp_path.glob("owned.db*")}
    database.close()
    assert len(owners) == 3
    assert set(owners.values()) == {(65534, 65534)}


def test_the_file_of_an_embedded_store_is_private(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/private.db")
    migrate(database)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("private.db*")}
    database.close()
    assert set(modes.values()) == {0o600}


def test_numbers_that_were_among_the_attributes_are_found_after_the_migration(store_url: str) -> None:
    old = Database(store_url)

    def fill(connection: Connection) -> None:
        command.upgrade(migrate_module._config(connection=connection), "0001")
        user = "INSERT INTO users VALUES ('{0}', '{0}', '{0}', {2}, '', '', '', '[]', '{1}', NULL, NULL, 0, 0)"
        texts = ('{"uid_number": ["10"], "gid_number": ["20"]}', '{"uid_number": ["x"]}', '{"title": ["uid_number"]}')
        for number, attributes in enumerate(texts):
            connection.execute(sa.text(user.format(f"u{number}", attributes, "true").replace(":", "\\:")))
        group = "INSERT INTO groups VALUES ('g', 'g', 'g', '', '', '', '{\"gid_number\"\\: [\"30\"]}', 0, 0)"
        connection.execute(sa.text(group))

    old.write_blocking(fill)
    migrate(old)
    rows = old.read_blocking(lambda c: c.execute(sa.text("SELECT uid_number, gid_number FROM users ORDER BY id")).all())
    assert [tuple(row) for row in rows] == [(10, 20), (None, None), (None, None)]
    assert old.read_blocking(lambda c: c.execute(sa.text("SELECT gid_number FROM groups")).scalar()) == 30
    old.close()


def test_records_and_users_of_before_are_neither_gone_nor_disputed_after_the_migration(store_url: str) -> None:
    old = Database(store_url)

    def fill(connection: Connection) -> None:
        command.upgrade(migrate_module._config(connection=connection), "0002")
        user = "INSERT INTO users VALUES ('u', 'u', 'u', true, '', '', '', '[]', '{}', NULL, NULL, 0, 0, NULL, NULL)"
        record = (
            "INSERT INTO records VALUES (1, 'hr', 'user', 'x', '', '', 'u', '{}', NULL, 'linked', '', 'u', 'rule\\:create', 0)"
        )
        for statement in (user, record):
            connection.execute(sa.text(statement))

    old.write_blocking(fill)
    migrate(old)
    found = old.read_blocking(lambda c: (users.get(c, "u"), record_rows.by_id(c, [1])[1]))
    old.close()
    assert found[0] is not None
    assert found[0].gone_at is None
    assert (found[1].gone_at, found[1].candidates, found[1].decided_by) == (None, "[]", "rule:create")
