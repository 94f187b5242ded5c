"""Worker processes (`[ldap] workers`): they serve LDAP; the primary process does everything else and accepts for them.

Python runs on one core a process, so LDAP is served by several. The primary accepts each connection and passes the bare socket
on (SCM_RIGHTS), rather than that all processes accept from one port: so the limits hold over all workers, connections are
shared out evenly, and no client waits in the queue of a process that has died. Workers read the view files that the primary
writes, and ask the primary before a bind, because a lock that each process counted by itself would let a guesser try once for
each of them.

To read in this order, lower first:

    protocol          the messages, as values; no password is ever among them
    message_channel   one end of the socket between primary and worker
    primary_proxies   in the worker: the soft lock and the admission, which are the primary's
    worker_process    in the worker: the program
    worker_handle     in the primary: one worker, and all that must be given back when it ends
    accepting_port    in the primary: the listening ports
    supervisor        in the primary: all workers; to service.py this is the LDAP server

A worker never writes a view, never reads a source, and never reads a file of the administrator's: its settings and its
certificate come from the primary."""
