"""The engine: connections, transactions and threads, for SQLite and PostgreSQL. It knows no table by name but
those that an inline read of a login state joins and those that ANALYZE refreshes.

In the order in which to read it: `store_url` (one server or several), `dialects` (how each database is opened, and its failures
in words), `database` (the one class that callers hold: read, write, commit callbacks), `store_threads` (in which work runs, and
the time in which it is answered), `transaction_notes` (what a writing transaction remembers, and savepoints), `group_commit`
(writes that wait become one transaction; `batched_reads`: the same of reads), `sqlite` and `postgres` (what only one of them
needs), `bulk` (many rows past SQLAlchemy), `any_of` (a set as one parameter), `sql_types`, `column_codecs` and
`normalized_keys` (values ↔ columns), `migrate` and `schema_guard` (the schema's version, and who may write while it changes).

What must never be: a commit outside `Database.write`, or a wait for the database in the reactor's thread (bounded
reads of a file wait for no lock).
"""
