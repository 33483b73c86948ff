"""Trying again for a while, and not for ever."""

from reverify.audits.telling.persisting import TRIES, WAITED, Attempt, persist


class Trying:
    """Answers as it is told, the last answer for ever, and keeps what was waited."""

    def __init__(self, *answers: Attempt) -> None:
        self.answers = list(answers)
        self.tries = 0
        self.waited: list[float] = []

    def __call__(self) -> Attempt:
        self.tries += 1
        return self.answers[min(self.tries, len(self.answers)) - 1]

    def persist(self) -> str:
        return persist(self, self.waited.append)


BUSY = Attempt("busy", again=True)


def test_what_works_is_done_once() -> None:
    trying = Trying(Attempt())
    assert (trying.persist(), trying.tries, trying.waited) == ("", 1, [])


def test_what_will_never_work_is_tried_once() -> None:
    trying = Trying(Attempt("no"))
    assert (trying.persist(), trying.tries, trying.waited) == ("no", 1, [])


def test_what_may_work_later_is_tried_again_after_twice_the_wait() -> None:
    trying = Trying(BUSY, BUSY, BUSY, Attempt())
    assert (trying.persist(), trying.waited) == ("", [2, 4, 8])


def test_it_ends_after_some_tries() -> None:
    trying = Trying(BUSY)
    assert trying.persist() == f"busy; tried {TRIES} times"
    assert (trying.tries, len(trying.waited)) == (TRIES, TRIES - 1)


def test_whoever_asks_for_a_wait_gets_it() -> None:
    trying = Trying(Attempt("busy", again=True, after=30), Attempt())
    assert (trying.persist(), trying.waited) == ("", [30])


def test_nobody_gets_a_wait_without_bounds() -> None:
    trying = Trying(Attempt("busy", again=True, after=1e12))
    assert "asks us to wait" in trying.persist()
    assert (trying.tries, trying.waited) == (1, [])


def test_all_waits_together_have_a_bound() -> None:
    trying = Trying(Attempt("busy", again=True, after=WAITED / 2))
    assert "asks us to wait for 60 seconds" in trying.persist()
    assert trying.waited == [60, 60]
