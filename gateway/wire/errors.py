"""The errors of the codec: whatever the octets, decoding raises nothing but a WireError.

A WireError quotes positions and tags, never content: the bytes may hold a password.
"""


class WireError(Exception):
    """Bytes that are not the LDAP message they should be (RFC 4511 §5.1, §4.1.1).

    reason      one sentence for a log line or a diagnosticMessage
    offset      where in the bytes given to the decoder it was noticed
    message_id  the request that it spoils, when that much was readable: a server can then answer it
    """

    def __init__(self, reason: str, offset: int = 0, message_id: int | None = None) -> None:
        super().__init__(reason, offset, message_id)
        self.reason = reason
        self.offset = offset
        self.message_id = message_id

    def __str__(self) -> str:
        which = "" if self.message_id is None else f", message {self.message_id}"
        return f"{self.reason} (octet {self.offset}{which})"


class MessageTooLarge(WireError):
    """The announced length of a message is over Limits.max_message_bytes."""


class LimitExceeded(WireError):
    """A well-formed message with more depth, filter terms, attributes or controls than Limits allows."""
