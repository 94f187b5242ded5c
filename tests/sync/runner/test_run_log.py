"""Log lines of a source: a problem once a day, the first few of many."""

from __future__ import annotations

from structlog.testing import capture_logs
from twisted.internet.task import Clock

from gateway.sync.runner.run_log import PROBLEM_SECONDS, PROBLEMS_KEPT, PROBLEMS_LOGGED, REPEAT_SECONDS, RepeatFilter, RunLog


def test_law_17_a_problem_that_comes_with_every_read_is_logged_once_a_day() -> None:
    clock = Clock()
    run_log = RunLog("hr", clock.seconds)
    with capture_logs() as lines:
        for _ in range(3):
            run_log.problems(["uid=a has no mail"])
        assert [line["event"] for line in lines] == ["source hr: uid=a has no mail"]
        clock.advance(PROBLEM_SECONDS)
        run_log.problems(["uid=a has no mail", "uid=b has none either"])
    assert len(lines) == 3


def test_many_problems_are_five_lines_and_a_number() -> None:
    with capture_logs() as lines:
        RunLog("hr", Clock().seconds).problems([f"problem {number}" for number in range(PROBLEMS_KEPT * 2)])
    assert len(lines) == PROBLEMS_LOGGED + 1
    assert f"{PROBLEMS_KEPT * 2 - PROBLEMS_LOGGED} more problems" in lines[-1]["event"]


def test_the_same_sentence_is_news_once_and_again_when_it_is_old() -> None:
    said = RepeatFilter()
    assert said.is_news("down", 0)
    assert not said.is_news("down", 1)
    assert said.is_news("refused", 2)
    assert said.is_news("down", 3)
    assert not said.is_news("down", 2 + REPEAT_SECONDS)
    assert said.is_news("down", 4 + REPEAT_SECONDS)
    said.forget()
    assert said.is_news("down", 5 + REPEAT_SECONDS)
