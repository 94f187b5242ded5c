"""Objects: users, organizations and groups made from what their records say, compared with the stored ones, written and logged.

Read in this order:
- leavers: the last records of objects that stay, marked as gone; user_changes disables the users.
- deletions: the stage that removes records, and deletes the objects that have no other.
- posix_allocation: the stage that adds POSIX numbers to attributes.
- placement: the stage that collects the objects whose place must be found anew.
- object_changes: the steps that the stages of objects share.
- organization_changes, user_changes, group_changes: the stages that write, in this order.
- record_outcomes: the stage that counts what became of each record.

One object has one change in one batch.
"""
