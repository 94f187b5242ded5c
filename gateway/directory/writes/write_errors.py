"""The errors of writes: one kind for each result code that a client knows (RFC 4511 appendix A), and the sentence. Values."""

from enum import Enum, auto


class Violation(Enum):
    """The kind of violation by which a write is refused."""

    PROTOCOL = auto()
    """The request makes no sense (protocolError)."""
    NO_SUCH_ATTRIBUTE = auto()
    UNDEFINED_TYPE = auto()
    CONSTRAINT = auto()
    """Too many values, or values that only the server sets."""
    EXISTS = auto()
    """attributeOrValueExists"""
    SYNTAX = auto()
    UNWILLING = auto()
    """The view has no attribute or object of ours for it."""
    NAMING = auto()
    OBJECT_CLASS = auto()
    ON_RDN = auto()
    CLASS_CHANGE = auto()
    """objectClassModsProhibited: an entry stays of the structural class that it has."""


class WriteRefused(Exception):
    """A write that was refused. The sentence is fit for the client: it names attributes, and values only of names."""

    def __init__(self, violation: Violation, sentence: str) -> None:
        super().__init__(sentence)
        self.violation = violation
