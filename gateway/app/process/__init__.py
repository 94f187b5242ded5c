"""The process and its system: what a server needs of Linux and of Python, whatever it serves. Each module stands alone.

`data_directory` (made for us alone, locked by one `serve`), `certificates` (read again on request), `log_setup` (standard error
as text or JSON), `systemd_notify` (readiness), `gc_freeze` (garbage collection without what lasts). Nothing here knows a
frontend, a source or the store."""
