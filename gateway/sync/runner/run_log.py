"""Log lines of one source: each failure once, each run in a line, the first few problems. No secret, no flood."""

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
REPEAT_SECONDS: Final = 900.0  # the same failure is logged again after this long, so that rotated files still have it


@dataclass(slots=True)
class RepeatFilter:
    """The last sentence that was logged, to tell a new one from a repetition."""

    sentence: str = ""
    logged_at: float = float("-inf")

    def is_news(self, sentence: str, now: float) -> bool:
        """Return True when the sentence differs from the last one, or that one is REPEAT_SECONDS old. `now` in seconds."""
        if sentence == self.sentence and now - self.logged_at < REPEAT_SECONDS:
            return False
        self.sentence, self.logged_at = sentence, now
        return True

    def forget(self) -> None:
        """Take every failure as news again, after a success."""
        self.sentence, self.logged_at = "", float("-inf")


class RunLog:
    """The log lines of one source; each names it. `seconds` is a clock that only goes forward."""

    def __init__(self, source_id: str, seconds: Callable[[], float]) -> None:
        self._prefix = f"source {source_id}: "
        self._seconds = seconds
        self._repeats = RepeatFilter()
        self._problems: dict[str, float] = {}
        self._log = structlog.get_logger().bind(source=source_id)

    def warn(self, sentence: str) -> None:
        """Log a warning."""
        self._log.warning(self._named(sentence))

    def failure(self, error: Exception) -> tuple[str, bool]:
        """Log the failure unless it was just logged; return the sentence to store, and True when it was news. The text of an
        error that is not one of ours may hold anything: it is logged, not stored."""
        known = isinstance(error, GatewayError)
        sentence = str(error) if known else f"an error of the gateway's own ({type(error).__name__}); its log has the details"
        is_news = self._repeats.is_news(sentence, self._seconds())
        if is_news:
            self._log.warning(self._named(sentence), exc_info=None if known else error)
        return sentence, is_news

    def held(self, sentence: str) -> None:
        """Log that deletions are held unless it was just logged."""
        if self._repeats.is_news(sentence, self._seconds()):
            self.warn(sentence)

    def recovered(self, failed_attempts: int) -> None:
        """Log that the source is read again, if its failure was logged."""
        if self._repeats.sentence:
            self._log.info(self._named("is read again"), failed_attempts=failed_attempts)
            self._repeats.forget()

    def success(self, run: Run) -> None:
        """Log a run that has read all that the source had to report."""
        self._log.info(self._named(f"{run.mode} run {run.id}: {in_words(run.statistics)}"), trigger=run.trigger.value)

    def problems(self, problems: Sequence[str]) -> None:
        """Log the problems of one batch's records, but for those that were logged within PROBLEM_SECONDS."""
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
