"""nextToken: opaque to the client, readable only where it was given.

A token is a position, not a permission: everything it leads to is narrowed to the caller again. Its check value binds it
to the application and the list it was given for, so that a damaged or misplaced one is refused and not misread."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from gateway.model.errors import InvalidInput

MAX_TOKEN_CHARACTERS = 1_024
_CHECK_BYTES = 12

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Binding:
    """The list that a token belongs to: the instance, the application, and the purpose: the list with its filters."""

    instance_id: str
    application_id: str
    purpose: str

    def check(self, payload: bytes) -> bytes:
        """Return the check value of a token's payload."""
        place = msgspec.json.encode((self.instance_id, self.application_id, self.purpose))
        key = hashlib.blake2b(place, digest_size=32).digest()
        return hashlib.blake2b(payload, key=key, digest_size=_CHECK_BYTES).digest()


def seal(binding: Binding, position: object) -> str:
    """Return the nextToken for `position` (any JSON value or Struct)."""
    payload = msgspec.json.encode(position)
    return base64.urlsafe_b64encode(binding.check(payload) + payload).rstrip(b"=").decode()


def unseal(binding: Binding, token: str, shape: type[T]) -> T:
    """Return the position in a nextToken. Raises InvalidInput for anything that `seal` did not write for the same binding."""
    refusal = InvalidInput("nextToken: this is not a token that was given for this list; start again without one.")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise refusal
    try:
        data = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        check, payload = data[:_CHECK_BYTES], data[_CHECK_BYTES:]
        # base64 has several spellings for some bytes; only the one we write is ours.
        if check != binding.check(payload) or base64.urlsafe_b64encode(data).rstrip(b"=").decode() != token:
            raise refusal
        return msgspec.json.decode(payload, type=shape)
    except (binascii.Error, UnicodeEncodeError, ValueError, msgspec.MsgspecError):
        raise refusal from None
