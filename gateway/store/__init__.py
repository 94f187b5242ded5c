"""Floor 1, the store: the only floor that speaks to the database. Above it there are functions that take a Connection and
model values; SQL, tables and row formats never leave it.

In the order in which to read it (each package imports only from the ones above it here; setup.cfg checks it):

    engine       opening SQLite or PostgreSQL, transactions in threads, inline reads, bulk statements, column formats
    tables       every table, defined once
    log          the change log and the positions of its readers
    records      the last report of each source about each of its objects, references between records, leavers, held deletions
    correlation  persons' link decisions, the keys by which rules find objects, rechecks
    operations   sources' state, runs, sync requests, leases, the instance's id, backfill markers, soft locks
    clients      applications, their access tokens and application passwords
    objects      users, organizations, groups, memberships, passwords, disablements, POSIX numbers; by_kind for all of them
    migrations   the steps by which a store of any age comes to the present schema (Alembic)

A noun is one module; its functions are verbs on a Connection (`users.get`, `changes.append`). What gateway/sync alone may call
stands below a line "writing", or the module's docstring says so.

Decisions
=========
- **Synchronous SQLAlchemy Core in a thread pool**, not an asyncio driver: it measured as fast as asyncpg, and an asyncio
  driver would bind the process to the asyncio reactor, whose bare echo answers 44,000 requests a second (uvloop 54,000) where
  the epoll reactor answers 71,000. No ORM: rows become model values in one function per noun.
- **SQLite with a write-ahead log, one writer, BEGIN IMMEDIATE**: readers never wait for the writer, and a transaction holds
  the write lock from its first statement, so that it never fails halfway for want of it.
- **Change numbers come from a locked row**, not from a sequence (law 3): a sequence numbers transactions in the order in which
  they ask; they commit in another, and a reader of the log in between would skip a change for ever.
- **Inline reads for SQLite**: a bind's few rows by key are read in the reactor's thread, because the way through a thread
  takes hundreds of microseconds and the read itself a few. PostgreSQL is always read in a thread (law 7).
- **One schema for both databases**: JSON is text, times are milliseconds, keys compare as bytes (collation C). A released
  migration is never changed."""
