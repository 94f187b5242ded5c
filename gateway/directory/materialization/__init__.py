"""Materialization: the view file is built from the store and kept up with the log, at its own pace (law 4).

Read in this order: view_scope (the objects a view has) → dependents (what else one change makes to be projected) → apply_step
(one transaction) → log_applier (the build, and changes of the log) → follower (the thread and the retries around it).
shared_view is the follower of a process that reads a file which another one writes.

Nothing here is reached by a search, and no search waits for it; the reader of a finished view is handed out by a Follower."""
