"""The delays before a source is read again: each kind of failure has its own."""

from __future__ import annotations

import pytest

from gateway.model.backoff import Backoff
from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable
from gateway.sync.runner.retry_delays import delays_for


@pytest.mark.parametrize(
    ("error", "first", "last"),
    [(SourceUnavailable(), 1, 300), (SourceRefused(), 15, 300), (InvalidSourceData(), 1, 30), (OSError(), 1, 300)],
)
def test_each_kind_of_failure_has_its_own_delays(error: Exception, first: float, last: float) -> None:
    backoff = Backoff(lambda: 0.5)
    assert backoff.failed(delays_for(error)) == first
    assert [backoff.failed(delays_for(error)) for _ in range(10)][-1] == last


@pytest.mark.parametrize("kind", [SourceUnavailable, SourceRefused, InvalidSourceData, OSError])
@pytest.mark.parametrize("random", [0.0, 0.5, 1.0])
def test_jitter_moves_a_delay_by_a_quarter_at_most(kind: type[Exception], random: float) -> None:
    delays = delays_for(kind())
    assert Backoff(lambda: random).failed(delays) == delays.first_seconds * (0.75 + random / 2)
