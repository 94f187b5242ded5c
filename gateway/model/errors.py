"""The errors of the directory's own rules. Each names the fault and the next step; the frontends map them to LDAP result codes
and HTTP statuses by one table each. No error holds a secret."""


class GatewayError(Exception):
    """The base of all: a sentence with the fault, its place and the cure."""


class ConfigurationError(GatewayError):
    """A fault in the configuration; names file, table and key."""


class NotFound(GatewayError):
    """The requested object does not exist, or is outside the scope of the caller."""


class NotGranted(GatewayError):
    """The caller may not read what its request is about; names what an administrator would grant."""


class Conflict(GatewayError):
    """The request contradicts what is stored (a name is taken, a position has moved)."""


class DecidedElsewhere(GatewayError):
    """What was to be written is a source's to change; names the source."""


class LeaseLost(GatewayError):
    """Another node does the work now; what this one still wanted to write was given up."""


class ChangesPruned(GatewayError):
    """A reader of the change log is so far behind that what follows is not kept any more; it begins anew with a snapshot."""


class HistoryChanged(GatewayError):
    """The store went back in time (a restored backup, a fail-over that lost transactions): what was read belongs to another
    history, and is to be read anew."""


class InvalidInput(GatewayError):
    """The caller's input violates a rule; the message names the part that does."""


class SourceUnavailable(GatewayError):
    """A foreign system could not be reached or did not answer in time. Never turned into an empty answer (law 8)."""


class SourceRefused(GatewayError):
    """A foreign system answered and refused: wrong credentials, missing rights, a base that does not exist."""


class InvalidSourceData(GatewayError):
    """The data of a source cannot be read as a whole (a broken LDIF file). Names file and line; nothing was changed."""


class DeletionsRefused(GatewayError):
    """The deletion guard stopped a run before it deleted; names source, counts, limit and the command that lets it pass."""


class StoreUnavailable(GatewayError):
    """The store cannot be opened, read or written (not a database, disk full, server down). Names the store and the cure."""


class StoreBusy(StoreUnavailable):
    """The store works, and another transaction holds what this one needs for too long."""


class OutcomeUnknown(StoreUnavailable):
    """The store did not answer a commit: the work was done or was not. Whoever repeats it looks first."""


class Busy(GatewayError):
    """A limit of concurrent requests is reached; the same request succeeds shortly."""
