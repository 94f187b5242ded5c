"""The inbound side: the one door for every write to the directory (law 1). It does not know that LDAP, webhooks or provisioning
exist; they follow the change log.

The walk of one delta from a connector to the change log, down by call and back by return:

    runner          one loop for each source: fetch a batch, apply it in one transaction, wait
    inbound         the door: lock the log, open the transaction, store the watermark
    stages          the line of stages as a table, and the calls in its order
    intake          deltas become reports and records under work; unchanged records go no further
    guarded_deletions  which deletions may pass, and which are held in the store; the rule is deletion_guard.py
    objects         deletions: records that are gone, and the objects that go with them or become leavers
    correlation     resolution: the object of each record, the attributes of each object, login names
    objects         posix_allocation: POSIX numbers added to the attributes
    references      subtree_renames: renames below renamed entries
    intake          record_writer: the records; then correlation/key_index: the keys that they look for
    references      reference_changes: members, organizations and parents
    objects         placement, then organization_changes, user_changes and group_changes: the new state compared with the stored
                    one, written and logged
    objects         leavers: former records superseded by present ones; then correlation/key_index: the keys of objects
    objects         record_outcomes: what became of each record, counted

Beside it, with the same door: local (edits made here), review (an administrator's decisions about records and objects),
lifecycle (the deletion of leavers after their grace period, sources that are no more; a user is disabled in
objects/user_changes), backfill (work on objects of before). `rules` is pure: which source decides an attribute, how records
find objects.

Read stages.py and stage_results.py first: a stage gets the frozen context of the transaction (source_transaction.py) and frozen
results of earlier stages, and returns one of its own.

Must never be: a write to the directory past `Inbound`; state that two stages share beside their results; waiting for the
network inside the transaction."""
