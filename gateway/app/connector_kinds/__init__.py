"""The kinds of foreign systems that a configuration can name, each with its table and the makers of its parts.

A kind is one folder: `table.py` (the keys of its `[[source]]`, a pydantic model) and `kind.py` (a `SourceKind`: that table and
the makers of what reads the source, checks passwords there and looks users up). Its connector, which knows nothing of the
configuration, lies in gateway.connectors. A new kind is such a folder and one line in `registry.py`; nothing else in the
program names a kind. Kinds of targets (provisioning) have the same shape: a `target_kind.py` beside `source_kind.py`, a second
dict in the registry.

Read it in this order:

1. `records_table`, `source_table`: the keys that all sources share.
2. `source_kind`: the shape of a kind, and of the parts by which users log in at a source.
3. `ldif`, `csv`: two kinds without passwords. `ldap`: what the LDAP kinds share; `openldap`, `active_directory`: those kinds.
4. `registry`: all kinds by name, and how a written `[[source]]` finds its table.

Nothing here opens, connects or waits. Nothing outside a kind's folder asks which kind a table is of: what differs between kinds
is a field of SourceKind or a property of SourceTable. ldap3 takes 70 ms to import, so the LDAP kinds import their connectors
only when a part is made.
"""
