"""The values of one entry, read out of its octets on demand: a filter looks at few attributes, and a group
may have 100,000 members."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from gateway.directory.projection.index_keys import attribute_key
from gateway.wire import entries
from gateway.wire.ber import SEQUENCE, octets, tlv


class EntryValues(Mapping[str, Sequence[bytes]]):
    """The mapping attribute key → values. `operational`: the stored PartialAttributes; `computed`: key → the function for the
    values of those that are not stored. `on_request`: the same for those that are no part of the entry unless they are named;
    assertions without an attribute type are not about them."""

    __slots__ = ("_computed", "_on_request", "_parts", "_values")

    def __init__(
        self,
        encoded: bytes,
        operational: bytes,
        computed: Mapping[str, Callable[[], list[bytes]]],
        on_request: Mapping[str, Callable[[], list[bytes]]] = {},
    ) -> None:
        self._parts: dict[str, list[bytes]] = {}
        self._computed = computed
        self._on_request = on_request
        self._values: dict[str, list[bytes]] = {}
        for entry in (encoded, tlv(0x64, octets(b""), tlv(SEQUENCE, operational))):
            for description, attribute in entries.iterate(entry):
                self._parts.setdefault(attribute_key(description.decode()), []).append(attribute)

    def __getitem__(self, key: str) -> list[bytes]:
        values = self._values.get(key)
        if values is None:
            values = self._values[key] = self._read(key)
        return values

    def get(self, key: str, default: Sequence[bytes] = ()) -> Sequence[bytes]:  # type: ignore[override]
        """Return the values, or `default` when there can be none."""
        known = key in self._parts or key in self._computed or key in self._on_request
        return self[key] if known else default

    def __iter__(self) -> Iterator[str]:
        return iter({**self._parts, **self._computed})

    def __len__(self) -> int:
        return len({**self._parts, **self._computed})

    def _read(self, key: str) -> list[bytes]:
        if key in self._computed:
            return self._computed[key]()
        if key in self._on_request:
            return self._on_request[key]()
        return [value for part in self._parts[key] for value in entries.attribute_values(part)]
