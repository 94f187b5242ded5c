"""The errors of the directory's own rules. Each says whose fault it is and what to do next; the faces turn them into
result codes and HTTP statuses by one table each. No secret may ever be put into one."""


class GatewayError(Exception):
    """A sentence for a person: what is wrong, where, and the cure."""


class ConfigurationError(GatewayError):
    """The administrator's: names file, table and key."""


class NotFound(GatewayError):
    """The object asked for does not exist, or is outside what the caller may see."""


class Conflict(GatewayError):
    """The request contradicts what is stored (a name is taken, a position has moved)."""


class InvalidInput(GatewayError):
    """The caller's words do not follow the rules; the message names the part that does not."""


class SourceUnavailable(GatewayError):
    """A foreign system could not be reached or did not answer in time. Never turned into an empty answer (law 8)."""


class SourceRefused(GatewayError):
    """A foreign system answered, and said no: wrong credentials, missing rights, a base that does not exist."""


class InvalidSourceData(GatewayError):
    """What a source delivered cannot be read as a whole (a broken LDIF file). Names file and line; nothing was changed."""


class DeletionsRefused(GatewayError):
    """The deletion guard stopped a run before it deleted; names source, counts, limit and the command that lets it pass."""


class StoreUnavailable(GatewayError):
    """The store cannot be opened, read or written (not a database, disk full, server down). Names the store and the cure."""


class Busy(GatewayError):
    """More of this is asked for at the same time than can be done; the same request succeeds shortly."""
