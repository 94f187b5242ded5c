"""The tables of the store, defined once: every statement of the store is built on these objects, and a test proves that the
migrations create exactly them.

Times are milliseconds since 1970, JSON is text. Nothing above gateway/store imports this package.

Read in this order: `columns` (what tables share), `objects` (the directory itself), `change_log`, `records` (the reports of
sources), `correlation` (links between the two), `disablements`, `former_accounts`, `passwords`, `clients` (applications),
`operations` (the gateway's own bookkeeping). Foreign keys remove rows that belong to a user with it.
"""

from gateway.store.tables import (
    change_log,
    clients,
    correlation,
    disablements,
    former_accounts,
    objects,
    operations,
    passwords,
    records,
)
from gateway.store.tables.columns import metadata

__all__ = [
    "change_log",
    "clients",
    "correlation",
    "disablements",
    "former_accounts",
    "metadata",
    "objects",
    "operations",
    "passwords",
    "records",
]
