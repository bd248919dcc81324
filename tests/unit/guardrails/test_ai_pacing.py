"""Guardrails beyond money: paces, loops and the breaker, in one worker's memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fiscus.guardrails.doors.ai.breaker import FAILURES_MAX, OPEN_SECONDS, Breaker
from fiscus.guardrails.doors.ai.pacing import Pacing
from fiscus.guardrails.doors.ai.types import Pace


def _start(pacing: Pacing, pace: Pace, now: float, tokens: int = 0, money: int = 0) -> bool:
    started = pacing.start("k1", pace, tokens, money, now) is None
    if started:
        pacing.end("k1")
    return started


class TestPaces:
    def test_a_minute_s_worth_may_come_at_once_and_comes_back_by_the_second(self) -> None:
        pacing, pace = Pacing(), Pace(requests_per_minute=60)
        assert [_start(pacing, pace, 0.0) for _ in range(61)] == [True] * 60 + [False]
        assert _start(pacing, pace, 1.0)
        assert not _start(pacing, pace, 1.0)

    def test_who_is_too_fast_is_told_how_long_to_wait_and_then_goes(self) -> None:
        pacing, pace = Pacing(), Pace(tokens_per_minute=600)
        assert pacing.start("k1", pace, 600, 0, 0.0) is None
        slow = pacing.start("k1", pace, 50, 0, 0.0)
        assert slow is not None
        assert slow.message == "This key may use 600 tokens a minute"
        assert pacing.start("k1", pace, 50, 0, float(slow.retry_after_seconds)) is None

    def test_a_refusal_takes_nothing_of_the_other_paces(self) -> None:
        pacing, pace = Pacing(), Pace(requests_per_minute=2, money_per_minute=100)
        assert not _start(pacing, pace, 0.0, money=101)
        assert [_start(pacing, pace, 0.0, money=10) for _ in range(3)] == [True, True, False]

    def test_more_than_a_minute_s_worth_at_once_is_told_so(self) -> None:
        slow = Pacing().start("k1", Pace(tokens_per_minute=100), 101, 0, 0.0)
        assert slow is not None
        assert "more than this key may use a minute" in slow.message

    def test_money_is_told_as_people_read_it(self) -> None:
        slow = Pacing().start("k1", Pace(money_per_minute=500_000_000), 1, 1_234_567_890, 0.0)
        assert slow is not None
        assert slow.message == "1.23456789 of money at once are more than this key may use a minute (0.50 of money)"

    def test_so_many_run_at_once_and_the_next_goes_when_one_ends(self) -> None:
        pacing, pace = Pacing(), Pace(concurrent=2)
        assert [pacing.start("k1", pace, 0, 0, 0.0) is None for _ in range(3)] == [True, True, False]
        pacing.end("k1")
        assert pacing.start("k1", pace, 0, 0, 0.0) is None

    def test_keys_do_not_slow_each_other(self) -> None:
        pacing, pace = Pacing(), Pace(requests_per_minute=1)
        assert pacing.start("k1", pace, 0, 0, 0.0) is None
        assert pacing.start("k2", pace, 0, 0, 0.0) is None

    @given(st.integers(1, 4), st.lists(st.floats(0, 5), min_size=1, max_size=200))
    def test_all_workers_together_never_pass_a_pace(self, workers: int, waits: list[float]) -> None:
        """In any window of a minute: at most a full bucket and what fills within it."""
        pace = Pace(requests_per_minute=12)
        pacings = [Pacing(workers) for _ in range(workers)]
        now, went = 0.0, list[float]()
        for number, wait in enumerate(waits):
            now += wait
            if _start(pacings[number % workers], pace, now):
                went.append(now)
        for at in went:
            assert sum(at <= other < at + 60 for other in went) <= 24


class TestLoops:
    def test_the_same_prompt_again_and_again_is_a_loop_until_its_time_is_over(self) -> None:
        pacing, pace = Pacing(), Pace(same_prompt=3, same_prompt_seconds=60)
        assert [pacing.loop("k1", pace, "p", float(n)) is None for n in range(4)] == [True, True, True, False]
        assert pacing.loop("k1", pace, "other", 4.0) is None
        assert pacing.loop("k2", pace, "p", 4.0) is None
        assert pacing.loop("k1", pace, "p", 61.0) is None

    def test_without_a_prompt_or_a_limit_nothing_is_a_loop(self) -> None:
        pacing = Pacing()
        assert all(pacing.loop("k1", Pace(), "p", 0.0) is None for _ in range(100))
        assert all(pacing.loop("k1", Pace(same_prompt=2), "", 0.0) is None for _ in range(100))


class TestTheBreaker:
    def test_it_opens_after_failures_in_a_row_and_then_one_tries(self) -> None:
        breaker = Breaker()
        for _ in range(FAILURES_MAX):
            assert breaker.lets(0.0)
            breaker.failed(0.0)
        assert not breaker.lets(OPEN_SECONDS - 1)
        assert breaker.lets(OPEN_SECONDS)
        assert not breaker.lets(OPEN_SECONDS)  # one tries, the others wait for what it meets
        breaker.worked()
        assert breaker.lets(OPEN_SECONDS)

    def test_it_stays_open_twice_as_long_each_time(self) -> None:
        breaker = Breaker()
        for _ in range(FAILURES_MAX):
            breaker.failed(0.0)
        assert breaker.lets(OPEN_SECONDS)
        breaker.failed(OPEN_SECONDS)
        assert not breaker.lets(OPEN_SECONDS + 2 * OPEN_SECONDS - 1)
        assert breaker.lets(OPEN_SECONDS + 2 * OPEN_SECONDS)

    def test_one_that_was_to_try_and_never_went_lets_another_try(self) -> None:
        breaker = Breaker()
        for _ in range(FAILURES_MAX):
            breaker.failed(0.0)
        assert breaker.lets(OPEN_SECONDS)
        breaker.untried()
        assert breaker.lets(OPEN_SECONDS)
