"""The directory's objects: `users`, `organizations`, `groups`, `memberships`, `passwords`, `disablements`, `posix_numbers`;
`origins` (what they share), `by_kind` for callers that treat all kinds alike; `scoped_queries` for applications that may see a
part.

Every reader may call these; only gateway/sync writes objects, under the lock of the change log (law 1). `passwords` are
written by the directory, the frontends and the command line too: no source reports them.
"""
