"""The process and its system: what a server needs of Linux and of Python, whatever it serves. Each module stands alone, but for
the log lines.

`data_directory` (made for us alone, locked by one `serve`), `certificates` (read again on request), `log_setup` (log lines as
text or JSON), `log_output` (their way to standard error), `system_log` (where audit lines of commands stay), `systemd_notify`
(readiness), `gc_freeze` (garbage collection without what lasts). Nothing here knows a frontend, a source or the store."""
