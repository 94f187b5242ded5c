"""Directory Gateway: one trusted place for identities. Pulls them from many systems, links what belongs together, gives it out.

The floors
==========
A module imports from the floors below its own, never from above or beside (setup.cfg, `importlinter`); inside a floor each
package's docstring is its map, in the order in which to read it.

    app                 5  configuration, wiring (every part is made there, on one screen), start and stop, commands, workers
    frontends           4  outside words ↔ ours and nothing else: ldap, developer (HTTP API), admin, on the web kit http
    directory           3  the reading side: views, search, the journal that subscriptions read, access, authentication
    sync                3  the inbound side: the one door for every write, and the runners that feed it
    connectors          3  one package for each foreign system (LDAP servers in ldap); they know floor 0, nothing else of ours
    changelog           2  the log is the only link between in and out: its tail, and readers with a stored position
    store               1  the only floor that speaks to the database; one module for each noun; migrations
    wire                0  LDAP on the wire without I/O: BER, messages, filters, controls ↔ frozen values
    model               0  plain values (User, Record, Delta, Change, DN, Mapping, …) and the protocols by which floors meet
    twisted_internals   0  all that touches Twisted's private parts, each with its reason

The way of one change: a connector yields a `Batch` of `Delta`s → `sync.runner` → `sync.inbound` (one transaction: record,
link, object, change, watermark) → commit → `changelog.tail` wakes the readers → `directory.materialization` writes the entry
into each view → a search slices and sends those bytes.

The laws
========
The code cites them by number; the tests named `test_law_N_…` hold law N.

 1. One door for writes: whatever changes an object passes `sync.inbound` as a `Batch` of `Delta`s from a named source.
 2. One transaction holds a batch: records, links, objects, changes, watermark. A crash repeats a batch or nothing; applying a
    batch is idempotent.
 3. Change numbers are gapless and in commit order: given inside the transaction, under a lock that is held to the commit. A
    reader at n has seen all ≤ n.
 4. The log is the only link between in and out. `sync` does not know who reads; a slow reader delays only itself.
 5. Every view is derived and can be thrown away; its content and its position in the log commit together.
 6. Provisioning is level-triggered (re-reads the present state and reconciles), push is edge-triggered (sends the change). Both
    at least once, with the change number as idempotency key. (Not built yet.)
 7. The reactor never waits: SQL goes to threads, but for bounded reads of a file; a point lookup in a view may run inline, a
    long scan runs in slices, and its answer respects the client's reading speed, abandon, size limit and time limit.
 8. A failure is never an empty success: upstream down is `unavailable` (52), never `noSuchObject`, `invalidCredentials` or an
    empty list; a source that answers nothing deletes nothing (the deletion guard holds deletions and asks a person).
 9. Missing is not empty: a source that cannot see an attribute has said nothing about it; one that sees it empty clears it.
10. Disputes go to a person, never to a guess; a person's decision is kept, and no dispute ends because the values of another
    have changed.
11. Ids are for ever: a user's id is the entryUUID and the API's userId; no link, merge, move, rename or return changes it, and
    none is given twice.
12. Secrets are never printed: upstream credentials come from files or the environment, application secrets are shown once and
    kept as a hash, local passwords are argon2id, a bind password is written nowhere.
13. Limits everywhere a stranger reaches, shared out by address and by application; failures count against the soft lock before
    the upstream is asked, so that a guesser cannot lock an upstream account.
14. Whose password counts is a matter of authority, never of correlation. Credentials that belong to a person end when the
    person leaves.
15. Nothing a client holds is trusted: cookies, tokens and cursors are authenticated, and what they lead to is narrowed again.
16. What is shown can be said back: an entry, a record, an export that was given out is accepted unchanged where writing is
    granted.
17. Nothing is dropped silently: what a source says and cannot be kept is reported once, with its place and the cure; a log
    line, a metric or an audit line that cannot be written never stops the work.

The words
=========
One word for one thing, on every floor.

account status      enabled or disabled, and why a bind is refused although the password may be right
application         a program that reads (or writes) through us; its LDAP identity and its HTTP client are one thing
attribute           of an object: our names (`display_name`); of an entry: LDAP's (`displayName`)
authenticator       asks a foreign system whether a password is right (pass-through bind)
authority           which source decides which attribute of an object
backfill            work on objects that are here already, because a setting has changed
batch               what a source yields at once: deltas, what it completes, the watermark after it; one transaction
caller              the application (or person) on whose behalf a face works
change              one committed fact of ours in the log: change number, type, object before and after
change log          all changes in commit order; "the log" means this one
connector           the code for one kind of foreign system
correlation         finding the object of a record, by rules; `link` is its result
decision            what a person said about a record: link, unlink (stored as `never`), split (stored as `own`), merge; kept
                    and obeyed by every later read
deletion guard      holds deletions beyond what was allowed until a person decides
delta               one reported change at a source: upsert or delete of a record
disablement         keeps a user disabled whatever present records say: by the source that they left so, or by a person
door                `sync.inbound`, through which every write goes
entry               the LDAP projection of an object in a view
exchange            one LDAP request with who asks and what goes with it
face                one protocol that we speak to the outside: LDAP, Developer API, admin
floor               one layer of this package
follower            keeps one view up to date with the log
former account      the account of a user at a source that has the user no more; it tells whose password check is missed
grant               what an application may do beyond reading: `write`, `proxy`, `passwords`
group, organization, user  the directory's objects
guard window        the time over which the deletion guard adds up deletions
jit                 a user is asked for at a source at the first bind (just in time)
journal             the part of a view that says what changed since a position, for subscriptions
key                 a normalized value under which an object or a record is found
lease               the right of one process to read a source, or to sweep leavers, for a limited time; its number fences writes
leaver              a user without a record of any source: disabled, kept for `grace_days`, then deleted
left-out value      a value that a source reported and that could not be kept; listed until the source corrects it
link                record ↔ object
log line            what goes to standard error; never called "the log"
mapping             attribute rules, inbound (record → object) or of a view (object → entry)
party               who is bound on an LDAP connection: anonymous, a person, an application
position            how far a reader of the log has come
projection          object → entry
record              what one source says about one object (a user's record is an account)
reconciliation      a full read of a kind, compared with the stored records: those that were not met are gone
reference           what a record says of another: a member, an organization, a parent, a manager; dangling until its target is
                    there. An attribute of an object that holds such (manager, owner) is a reference attribute
runner              reads one source: pull, apply, repeat
scope               the organizations and groups that an application may see; of a search: base, one level, subtree
situation           of a record: linked, unlinked, unmatched, disputed, deleted
soft lock           refuses a name after failures, before any upstream is asked; all nodes count together
source retirement   a source out of the configuration is finalized (objects stay, mastered here) or terminated (objects go)
source, target      a foreign system that is read; one that is written (not built yet)
subscription        a search that goes on: persistent search, content sync, change notification
tombstone           what is kept of a deleted entry so that subscriptions, and views of kind `ad`, can report it (`FormerEntry`)
view                one LDAP tree over the objects, kept as a file of its own on each node
watermark           how far a source has been read; opaque bytes
worker              a process that serves LDAP from the same ports and views as the primary
"""

__version__ = "0.1.0"
