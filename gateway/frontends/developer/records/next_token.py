"""nextToken: opaque to the client, readable only where it was given (law 15).

A token is a position, not a permission: everything it leads to is narrowed to the caller again. Its check value is made with a
secret of the instance and binds it to the application and the list it was given for: one that is made up, damaged or misplaced
is refused and not misread."""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from gateway.model.errors import InvalidInput

MAX_TOKEN_CHARACTERS = 1_024
_CHECK_BYTES = 16

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Binding:
    """The list that a token belongs to: the instance, the application, and the purpose: the list with its filters. `keys`: the
    instance's; tokens are made with the first, and accepted by any."""

    instance_id: str
    application_id: str
    purpose: str
    keys: tuple[bytes, ...] = field(repr=False)

    def check(self, payload: bytes) -> bytes:
        """Return the check value of a token's payload."""
        return self._check(self.keys[0], payload)

    def accepts(self, check: bytes, payload: bytes) -> bool:
        """Return True for a check value that one of the keys makes."""
        return any(hmac.compare_digest(check, self._check(key, payload)) for key in self.keys)

    def _check(self, key: bytes, payload: bytes) -> bytes:
        place = msgspec.json.encode((self.instance_id, self.application_id, self.purpose))
        return hmac.digest(key, place + b"\0" + payload, "sha256")[:_CHECK_BYTES]


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
        if not binding.accepts(check, payload) or base64.urlsafe_b64encode(data).rstrip(b"=").decode() != token:
            raise refusal
        return msgspec.json.decode(payload, type=shape)
    except (binascii.Error, UnicodeEncodeError, ValueError, msgspec.MsgspecError):
        raise refusal from None
