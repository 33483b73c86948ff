"""Trying again for a while, and not for ever."""

from collections.abc import Callable
from typing import NamedTuple

TRIES = 5
FIRST_WAIT = 2.0
WAITED = 120.0
"""Seconds that are waited in all, between the tries."""


class Attempt(NamedTuple):
    """How one attempt to tell somebody ended.

    Attributes:
        problem: why it failed, the rest of a sentence; empty if it did not.
        again: whether it may work later.
        after: seconds that we are asked to wait; 0 if nobody says.
    """

    problem: str = ""
    again: bool = False
    after: float = 0.0


def persist(attempt: Callable[[], Attempt], sleep: Callable[[float], None]) -> str:
    """Try, and try again where that may help, each time after twice the wait.

    Args:
        attempt: tries once.
        sleep: waits for so many seconds.

    Returns:
        why it failed in the end; empty if it did not.
    """
    left = WAITED
    for number in range(1, TRIES + 1):
        last = attempt()
        if not last.again:
            return last.problem
        if number == TRIES:
            break
        wait = max(FIRST_WAIT * 2 ** (number - 1), last.after)
        if wait > left:
            return f"{last.problem}, and asks us to wait for {wait:,.0f} seconds"
        left -= wait
        sleep(wait)
    return f"{last.problem}; tried {TRIES} times"
