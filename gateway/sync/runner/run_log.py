"""What the log is told of one source: each failure once, each run in a line, the first few problems. No secret, no flood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.model.errors import GatewayError
from gateway.sync.runner.statistics_text import in_words
from gateway.sync.runner.sync_run import Run

PROBLEMS_LOGGED: Final = 5  # of one batch; `gateway status --problems` shows all
PROBLEM_SECONDS: Final = 86_400.0  # a source that is read in full every few minutes has the same problems each time
PROBLEMS_KEPT: Final = 1_000
REPEAT_SECONDS: Final = 900.0  # the same failure is logged again after this long, so that a log that rotates still has it


@dataclass(slots=True)
class RepeatFilter:
    """The last sentence that was logged, which tells a new one from a repetition."""

    sentence: str = ""
    said_at: float = float("-inf")

    def is_news(self, sentence: str, now: float) -> bool:
        """Return True when the sentence differs from the last one, or that one is REPEAT_SECONDS old. `now` in seconds."""
        if sentence == self.sentence and now - self.said_at < REPEAT_SECONDS:
            return False
        self.sentence, self.said_at = sentence, now
        return True

    def forget(self) -> None:
        """Take every failure as news again, after a success."""
        self.sentence, self.said_at = "", float("-inf")


class RunLog:
    """Every line names the source. `seconds` is a clock that only goes forward."""

    def __init__(self, source_id: str, seconds: Callable[[], float]) -> None:
        self._prefix = f"source {source_id}: "
        self._seconds = seconds
        self._said = RepeatFilter()
        self._problems: dict[str, float] = {}
        self._log = structlog.get_logger().bind(source=source_id)

    def warn(self, sentence: str) -> None:
        """Something that a person should know."""
        self._log.warning(self._named(sentence))

    def failure(self, error: Exception) -> tuple[str, bool]:
        """Log the failure unless it was just said; the sentence to keep, and whether it was news. An error that is not one of
        ours is kept without its words, which may hold anything; the log has them."""
        known = isinstance(error, GatewayError)
        sentence = str(error) if known else f"an error of the gateway's own ({type(error).__name__}); its log has the details"
        is_news = self._said.is_news(sentence, self._seconds())
        if is_news:
            self._log.warning(self._named(sentence), exc_info=None if known else error)
        return sentence, is_news

    def well_again(self, failed_attempts: int) -> None:
        """The source is read; news only after a failure."""
        if self._said.sentence:
            self._log.info(self._named("is read again"), failed_attempts=failed_attempts)
            self._said.forget()

    def success(self, run: Run) -> None:
        """A run has ended well."""
        self._log.info(self._named(f"{run.mode} run {run.id}: {in_words(run.statistics)}"), trigger=run.trigger.value)

    def problems(self, problems: Sequence[str]) -> None:
        """What is wrong with records of one batch, unless it was said within PROBLEM_SECONDS."""
        problems = [problem for problem in problems if self._is_new(problem)]
        for problem in problems[:PROBLEMS_LOGGED]:
            self.warn(problem)
        if len(problems) > PROBLEMS_LOGGED:
            self.warn(f"{len(problems) - PROBLEMS_LOGGED} more problems with records; `gateway status --problems` shows them")

    def _is_new(self, problem: str) -> bool:
        now = self._seconds()
        if now - self._problems.get(problem, float("-inf")) < PROBLEM_SECONDS:
            return False
        if len(self._problems) >= PROBLEMS_KEPT:
            self._problems.clear()
        self._problems[problem] = now
        return True

    def _named(self, sentence: str) -> str:
        return sentence if sentence.startswith(self._prefix) else self._prefix + sentence
