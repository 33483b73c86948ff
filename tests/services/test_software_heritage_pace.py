"""Trouble with the archive: limits, outages, slow and broken answers, redirects."""

import io
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from reverify.services import guarded
from reverify.services.http import Http
from reverify.services.software_heritage import (
    Archive,
    Held,
    NotHeld,
    Patience,
    Served,
)
from reverify.services.software_heritage.objects import Revision
from reverify.services.software_heritage.vault import Downloaded

from tests.services.servers import serving
from tests.services.swh_double import SwhDouble
from tests.services.swh_endpoints import Answer
from tests.services.swh_setting import ORIGIN, Setting, served, untold


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    found = Setting(tmp_path)
    with found.double.at_the_wire():
        yield found


def ask(setting: Setting) -> object:
    return setting.archive.revision(setting.repository.commit)


# -- limits ------------------------------------------------------------------------


def test_a_limit_is_waited_for_until_it_says(setting: Setting) -> None:
    setting.double.limits["swh_api"] = [(2, 60)]
    assert isinstance(ask(setting), Served)
    setting.time.sleep(10)
    for _ in range(2):
        assert isinstance(ask(setting), Served)
    assert setting.time.slept == [10, 51]
    assert len(setting.double.asked) == 3, "none was sent in vain"


def test_a_limit_beyond_our_patience_is_told_with_when_it_ends(
    tmp_path: Path,
) -> None:
    setting = Setting(tmp_path, patience=Patience(seconds=100))
    setting.double.limits["swh_api"] = [(1, 3600)]
    with setting.double.at_the_wire():
        ask(setting)
        answer = untold(ask(setting))
        assert "rate limit is used up" in answer.reason
        assert answer.retry_at is not None
        assert (answer.retry_at - setting.time.now()).total_seconds() == 3601
        assert (setting.time.slept, len(setting.double.asked)) == ([], 1)
        setting.time.sleep(3602)
        assert isinstance(ask(setting), Served)


def test_a_limit_that_others_used_up_is_met_as_a_429(setting: Setting) -> None:
    setting.double.limits["swh_api"] = [(1, 60)]
    with setting.double.at_the_wire():
        ask(setting)
        answer = setting.client().revision(setting.repository.commit)
    assert isinstance(answer, Served)
    statuses = len(setting.double.asked)
    assert (statuses, setting.time.slept) == (3, [61])


def test_a_429_that_does_not_say_is_waited_for_a_minute(setting: Setting) -> None:
    setting.double.fail("429", 1)
    assert isinstance(ask(setting), Served)
    assert setting.time.slept == [60]


def test_each_limit_counts_for_itself(setting: Setting) -> None:
    setting.double.limits["swh_api"] = [(1, 3600)]
    ask(setting)
    assert isinstance(setting.archive.origins.latest_visit(ORIGIN), Served)
    assert isinstance(setting.archive.raw(setting.repository.rev), Served)
    assert setting.time.slept == []


def test_batches_that_were_answered_before_the_limit_count(tmp_path: Path) -> None:
    setting = Setting(tmp_path, patience=Patience(seconds=10), keep=True)
    setting.double.limits["swh_api"] = [(2, 3600)]
    asked = [f"swh:1:cnt:{number:040x}" for number in range(3000)]
    with setting.double.at_the_wire():
        answers = list(setting.archive.known(asked).values())
        assert all(isinstance(answer, NotHeld) for answer in answers[:2000])
        assert all(untold(answer).retry_at for answer in answers[2000:])
        setting.time.sleep(3600)
        setting.double.known_lies[asked[0]] = True
        again = setting.client().known(asked)
    assert setting.double.count("/known/") == 3 + 1, "the first 2000 had grown old"
    assert isinstance(again[asked[0]], Held)


# -- outages -----------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "502", "503", "storage", "html", "json"])
def test_a_fault_that_passes_is_overcome(setting: Setting, fault: str) -> None:
    setting.double.fail(fault, 3)
    assert isinstance(ask(setting), Served)
    assert setting.time.slept == [1, 2, 4]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "status 500 (a bug)"),
        ("503", "status 503"),
        ("storage", "no connection"),
        ("html", "text/html"),
        ("json", "does not read"),
        ("reset", "reset"),
    ],
)
def test_a_fault_that_stays_tells_nothing_of_the_object(
    setting: Setting, fault: str, words: str
) -> None:
    setting.double.fail(fault)
    answer = untold(ask(setting))
    assert words in answer.reason
    assert "asked 4 times" in answer.reason
    assert len(setting.double.asked) == 4


def test_an_archive_that_is_down_is_left_alone_for_a_while(setting: Setting) -> None:
    setting.double.fail("503")
    untold(ask(setting))
    answer = untold(setting.archive.release(setting.repository.tag))
    assert "left alone" in answer.reason
    assert answer.retry_at is not None
    assert len(setting.double.asked) == 4
    setting.double.fail("none")
    setting.time.sleep(31)
    assert isinstance(ask(setting), Served)


def test_one_question_that_fails_does_not_stop_the_others(setting: Setting) -> None:
    setting.double.fail("500", 4)
    untold(ask(setting))
    assert isinstance(ask(setting), Served)


def test_patience_is_shared_by_the_calls_that_are_given_it(setting: Setting) -> None:
    allowance = setting.archive.allowance(Patience(requests=3))
    commit, tree = setting.repository.commit, setting.repository.tree
    setting.archive.revision(commit, allowance=allowance)
    setting.archive.directory(tree, allowance=allowance)
    setting.archive.release(setting.repository.tag, allowance=allowance)
    answer = untold(setting.archive.snapshot(setting.snapshot, allowance=allowance))
    assert "the 3 requests for this are spent" in answer.reason


def test_patience_ends_with_its_time(setting: Setting) -> None:
    allowance = setting.archive.allowance(Patience(seconds=5))
    setting.time.sleep(5)
    answer = setting.archive.revision(setting.repository.commit, allowance=allowance)
    assert "the 5 seconds for this are over" in untold(answer).reason
    assert setting.double.asked == []


def test_a_pause_that_is_longer_than_what_is_left_is_not_made(
    tmp_path: Path,
) -> None:
    setting = Setting(tmp_path, patience=Patience(seconds=2))
    setting.double.fail("503")
    with setting.double.at_the_wire():
        assert "asked 2 times" in untold(ask(setting)).reason
    assert setting.time.slept == [1]


# -- a real server -----------------------------------------------------------------


@pytest.fixture
def real(tmp_path: Path, swh_double: SwhDouble) -> Setting:
    return Setting(tmp_path, swh_double, patience=Patience(tries=2))


def test_a_real_server_answers_the_same(real: Setting) -> None:
    assert isinstance(ask(real), Served)
    answers = real.archive.known([real.repository.rev])
    assert isinstance(answers[real.repository.rev], Held)


@pytest.mark.parametrize("fault", ["reset", "truncated"])
def test_a_connection_that_breaks_is_tried_again(real: Setting, fault: str) -> None:
    real.double.fail(fault, 1)
    assert isinstance(ask(real), Served)
    real.double.fail(fault)
    answer = untold(real.archive.known([real.repository.rev])[real.repository.rev])
    assert "asked 2 times" in answer.reason
    assert answer.asked is not None
    assert answer.asked.status is None


def test_an_answer_that_does_not_come_is_given_up(real: Setting) -> None:
    real.double.slow_seconds = 3
    real.double.fail("slow")
    allowance = real.archive.allowance(Patience(seconds=0.3, tries=1))
    began = time.monotonic()
    answer = real.archive.revision(real.repository.commit, allowance=allowance)
    untold(answer)
    assert time.monotonic() - began < 2.5


def test_an_answer_that_drips_is_given_up(real: Setting) -> None:
    real.double.fail("drip")
    allowance = real.archive.allowance(Patience(seconds=0.5, tries=1))
    began = time.monotonic()
    answer = real.archive.revision(real.repository.commit, allowance=allowance)
    assert "longer than" in untold(answer).reason
    assert time.monotonic() - began < 5


def test_nobody_there_tells_nothing(real: Setting) -> None:
    with serving() as server:
        gone = server.url
    archive = Archive(
        Http(allow_private=True),
        base=f"{gone}/api/1/",
        clock=real.time,
        sleep=real.time.sleep,
    )
    answer = untold(archive.revision(real.repository.commit))
    assert "no answer" in answer.reason


def test_a_private_address_is_asked_only_if_that_is_allowed(real: Setting) -> None:
    archive = Archive(
        Http(), base=real.double.base, clock=real.time, sleep=real.time.sleep
    )
    answer = untold(archive.revision(real.repository.commit))
    assert "--allow-private" in answer.reason
    assert (real.double.asked, real.time.slept) == ([], [])


def test_an_answer_that_is_too_large_is_not_read(real: Setting) -> None:
    answer = real.archive.raw(real.repository.rev, limit=10)
    assert "larger than 10 bytes" in untold(answer).reason
    assert len(real.double.asked) == 1


def test_a_clock_that_differs_from_the_archives_does_no_harm(real: Setting) -> None:
    real.double.limits["swh_api"] = [(1, 60)]
    ahead: list[float] = [0.0]
    real.double.now = lambda: real.time.seconds() + ahead[0]
    for ahead[0] in (-5000, 5000):
        archive = real.client()
        for _ in range(2):
            assert isinstance(archive.revision(real.repository.commit), Served)
        assert real.time.slept[-1] == 61
        real.time.sleep(20_000)


# -- redirects and the token -------------------------------------------------------


def test_a_token_does_not_follow_a_redirect(
    real: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    elsewhere = SwhDouble()
    real.double.tokens.add("abc-secret")
    real.token = "abc-secret"
    archive = real.client()
    with elsewhere.serving() as base:
        elsewhere.bundles = real.double.bundles
        real.double.storage = base.removesuffix("/api/1/")
        target = io.BytesIO()
        answer = archive.vault.fetch("flat", real.repository.dir, target)
    assert served(answer, Downloaded).size == len(target.getvalue())
    assert all("authorization" in asked.headers for asked in real.double.asked)
    (asked,) = elsewhere.asked
    assert "authorization" not in asked.headers
    assert "abc-secret" not in caplog.text


def test_a_post_that_is_redirected_is_not_sent_on(
    real: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as there:
        moved = Answer(307, {"Location": f"{there.url}/known/"}, b"")
        monkeypatch.setattr(real.double, "answer", lambda *_: moved)
        answer = real.archive.known([real.repository.rev])[real.repository.rev]
        assert there.requests == []
    assert "redirects a POST" in untold(answer).reason


def test_a_redirect_to_lower_case_is_followed(real: Setting) -> None:
    http = Http(allow_private=True)
    url = f"{real.double.base}revision/{real.repository.commit.upper()}/"
    reply = http.ask("GET", url, limit=10_000, seconds=5)
    assert (reply.status, reply.url) == (200, url.lower())


def test_headers_that_do_not_come_are_given_up(
    real: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "HEADER_SECONDS", 0.3)
    real.double.slow_seconds = 2
    real.double.fail("slow")
    began = time.monotonic()
    untold(ask(real))
    assert time.monotonic() - began < 5


def test_revisions_come_out_of_many_threads(real: Setting) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(real), range(40)))
    assert all(isinstance(served(answer, Revision), Revision) for answer in answers)
