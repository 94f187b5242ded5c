"""The directory, the reading side (floor 3): views of it as LDAP sees them, what a party may see, searches, binds, and writes
up to the door.

Read in this order: `projection` (object → entry) → `access` (what a party may see) → `domain` (Active Directory's own ways) →
`view_file` (the entries in one SQLite file) and `planning` (filter → SQL) → `search` (a view through an access) →
`materialization` (the file follows the log), `journal` (what changed, for replication), `writes` (entry → edit), `directory`
(all views of the process) → `read_your_writes` → `authentication` (who is bound). `application_scope` is the same for
applications that read objects instead of entries. Each imports only from those before it.

Decisions:

- A view is one SQLite file for each node (write-ahead log, read-only connections for readers): several worker processes share
  it through the page cache, a restart is immediate, memory does not grow with the directory. One indexed lookup with its blob
  takes 3.7 µs; LMDB would take 2.3 µs, but has no planner, no ordered joins and no text index.
- Substrings go by a trigram index (FTS5): 0.28 ms a query at 1,000,000 values, where a LIKE scan takes 84 ms.
- An entry is encoded once, when it is written: a search sends the stored bytes behind a message id. Attribute selection slices
  those bytes. (Encoding one entry of twelve attributes with ldaptor takes 73 µs, more than a whole request may cost.)
- Every view is derived and can be thrown away (law 5): content and log position commit together; another definition has another
  fingerprint, so another file, which is built beside the old one and replaces it. A file that is broken is built again.
- Access is narrowed before anything is searched: a searcher is made of a reader and an access, and there is no way around it.

Nothing here writes to the store but password hashes and verifiers: objects are written by the one door alone (law 1).
"""
