"""Loads roc-validator once, and forks a process for each crate that is to be judged.

Started by `processes.py`, and ended by the end of its standard input. It reads requests
from there, a line of JSON each, one at a time, and says on standard output how the
process ended that judged: `{"ended": exit code}`, below zero for a signal. It never
looks at a crate itself. What it knows of the profiles it learns from a crate of ours,
so that a fork inherits it; see `warming.py`.
"""

import ctypes
import gc
import json
import os
import select
import signal
import sys
from collections import Counter
from typing import NoReturn

from reverify.profiles.warming import warm
from reverify.profiles.worker import Engine, Request, answer, confine, load

COLD = 2
"""How often a profile is judged by as it comes, before it is worth while to prepare it.

A preparation takes about as long as two crates that are judged without it.
"""
_STDIN, _STDOUT, _STDERR = 0, 1, 2
_LOOK_UP_MS = 2000
_SET_DEATH_SIGNAL, _SET_DUMPABLE = 1, 4  # PR_SET_..., linux/prctl.h


class Forking:
    """Serves requests until its standard input ends, or its parent does.

    Args:
        engine: the engine, loaded.
        answers: the descriptor to say on how a fork ended.
    """

    def __init__(self, engine: Engine, answers: int) -> None:
        self._engine = engine
        self._answers = answers
        self._parent = os.getppid()
        self._asked: Counter[tuple[str, str]] = Counter()
        self._child_died, wake = os.pipe()
        for end in (self._child_died, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Answer one request after the other."""
        while self._wait_for(_STDIN) and (line := sys.stdin.buffer.readline()):
            request = Request(**json.loads(line))
            self._prepare(request)
            code = self._judge(request)
            os.write(self._answers, b'{"ended": %d}\n' % code)

    def _prepare(self, request: Request) -> None:
        for profile in request.runs:
            key = profile, request.extra_profiles
            self._asked[key] += 1
            if self._asked[key] == COLD + 1:
                warm(self._engine, profile, request)
                gc.freeze()

    def _judge(self, request: Request) -> int:
        """Fork, and wait for the end of the fork."""
        here = os.getpid()
        child = os.fork()
        if child == 0:
            os.close(self._answers)
            _be_child(self._engine, request, here)
        ended = 0
        while not ended:
            if not self._wait_for(self._child_died, _STDIN):
                os.kill(child, signal.SIGKILL)
                os._exit(1)
            ended, status = os.waitpid(child, os.WNOHANG)
        return os.waitstatus_to_exitcode(status)

    def _wait_for(self, wanted: int, unwanted: int = -1) -> bool:
        """Wait until a descriptor has something to say.

        Returns:
            False if the other one said something first, or the parent is gone. Other
            processes may hold an end of our standard input, so its end is not enough.
        """
        poll = select.poll()
        for end in {wanted, unwanted} - {-1}:
            poll.register(end, select.POLLIN)
        while True:
            ready = {end for end, _ in poll.poll(_LOOK_UP_MS)}
            if os.getppid() != self._parent or unwanted in ready:
                return False
            if wanted == self._child_died and ready:
                os.read(wanted, 4096)
            if ready:
                return True


def _be_child(engine: Engine, request: Request, parent: int) -> NoReturn:
    """Judge one crate, and never come back."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _die_with(parent)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, _STDIN)
        os.dup2(nowhere, _STDOUT)
        confine(request)
        answer(engine, request)
        code = 0
    finally:
        os._exit(code)


def _die_with(parent: int) -> None:
    """Have the kernel end us when the process that forked us ends, however it does."""
    _tell_kernel(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _tell_kernel(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def main() -> None:
    """Load the engine, then serve."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _tell_kernel(_SET_DUMPABLE, 0)  # so that no fork can change what others inherit
    answers = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)  # whatever the engine prints is no answer
    engine = load()
    gc.freeze()
    Forking(engine, answers).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
