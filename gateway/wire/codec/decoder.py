"""The decoder, octets → LDAPMessage: the envelope, the controls, and the table of protocolOps. All errors are WireErrors.

The operations themselves are read by gateway.wire.codec.requests and gateway.wire.codec.responses.
"""

from collections.abc import Callable
from typing import Final

from gateway.wire import ber
from gateway.wire.codec import requests, responses
from gateway.wire.errors import LimitExceeded, MessageTooLarge, WireError
from gateway.wire.limits import DEFAULT_LIMITS, Limits
from gateway.wire.messages import Control, LDAPMessage, Operation

_CONTROLS: Final = 0xA0

_Reader = Callable[[bytes, int, int, Limits], Operation]  # data, where the content starts and stops

_READERS: dict[int, _Reader] = {**requests.READERS, **responses.READERS}


def decode_message(data: bytes, limits: Limits = DEFAULT_LIMITS) -> LDAPMessage:
    """The one message that `data` is. Raises WireError, with message_id once that has been read."""
    if len(data) > limits.max_message_bytes:
        raise MessageTooLarge("the message is too large")
    pos, end = ber.whole(data, ber.SEQUENCE)
    message_id, pos = ber.take_integer(data, pos, end)
    try:
        tag, start, stop = ber.read_header(data, pos, end)
        reader = _READERS.get(tag)
        if reader is None:
            raise WireError(f"no operation has the tag 0x{tag:02x}", pos)
        operation = reader(data, start, stop, limits)
        if stop == end:
            return LDAPMessage(message_id, operation)
        return LDAPMessage(message_id, operation, read_controls(data, stop, end, limits))
    except WireError as error:
        error.message_id = message_id
        raise


def read_controls(data: bytes, pos: int, end: int, limits: Limits = DEFAULT_LIMITS) -> tuple[Control, ...]:
    """The controls after the protocolOp: [0] Controls, among other components or alone, or nothing.

    AD puts a responseName of its own between the operation and the controls (MS-ADTS, notice of disconnection).
    """
    controls: list[Control] = []
    while pos < end:
        tag, start, pos = ber.read_header(data, pos, end)
        if tag != _CONTROLS:
            continue
        while start < pos:
            if len(controls) == limits.max_controls:
                raise LimitExceeded("the message has too many controls", start)
            content, stop = ber.expect(data, start, pos, ber.SEQUENCE)
            controls.append(_read_control(data, content, stop))
            start = stop
    return tuple(controls)


def _read_control(data: bytes, pos: int, end: int) -> Control:
    control_type, pos = ber.take_text(data, pos, end)
    criticality = False
    value: bytes | None = None
    if pos < end and data[pos] == ber.BOOLEAN:
        criticality, pos = ber.take_boolean(data, pos, end)
    if pos < end and data[pos] == ber.OCTET_STRING:
        value, pos = ber.take_octets(data, pos, end)
    ber.skip_unknown(data, pos, end)
    return Control(control_type, criticality, value)
