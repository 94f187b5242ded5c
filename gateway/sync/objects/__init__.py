"""Objects: users, organizations and groups made from what their records say, compared with the stored ones, written and logged.

Read in this order:
- leavers: users that stay, disabled, after their last record is gone.
- deletions: the stage that removes records, and deletes the objects that have no other.
- posix_allocation: the stage that adds POSIX numbers to attributes.
- placement: the stage that collects the objects whose place must be found anew.
- object_changes: what the following have in common.
- organization_changes, user_changes, group_changes: the stages that write, in this order.
- record_outcomes: the stage that counts what became of each record.

One object has one change in one batch.
"""
