"""Are files on the web where the crate says?"""

import time
from pathlib import Path

import pytest
import requests
import responses
from reverify.crates.limits import Limits
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome, Severity
from reverify.services import Http

from tests.fakes import check, file, folder, only, write_crate
from tests.services.servers import (
    Answer,
    Handler,
    body,
    redirect,
    serving,
    status,
)

URL = "https://example.org/a.csv"


def finding_of(where: Path, http: Http | None, url: str = URL) -> Finding:
    write_crate(where, file(url))
    return only(check(where, http=http), url, "completeness")


def test_offline_nobody_is_asked(tmp_path: Path) -> None:
    found = finding_of(tmp_path, None)
    assert found.rule == "completeness/web-untested"
    assert found.outcome is Outcome.UNTESTED


@responses.activate
def test_a_file_on_the_web_that_is_there_is_confirmed(tmp_path: Path) -> None:
    responses.head(URL)
    found = finding_of(tmp_path, Http())
    assert found.rule == "completeness/web-available"
    assert found.observed == "HTTP 200"
    assert found.evidence[0].source == URL


@responses.activate
@pytest.mark.parametrize("code", [404, 410])
def test_a_file_on_the_web_that_is_gone_is_a_refuted_warning(
    tmp_path: Path, code: int
) -> None:
    responses.head(URL, status=code)
    found = finding_of(tmp_path, Http())
    assert found.rule == "completeness/web-missing"
    assert (found.outcome, found.severity) == (Outcome.REFUTED, Severity.WARNING)
    assert found.reason == f"{URL}: the server answered {code}"


@responses.activate
@pytest.mark.parametrize("code", [400, 401, 403, 429, 500, 503])
def test_an_answer_that_tells_nothing_is_unclear(tmp_path: Path, code: int) -> None:
    responses.head(URL, status=code)
    responses.get(URL, status=code)
    found = finding_of(tmp_path, Http())
    assert found.rule == "completeness/web-unclear"
    assert found.outcome is Outcome.UNDETERMINED


@responses.activate
def test_a_server_that_forbids_head_is_asked_with_get(tmp_path: Path) -> None:
    responses.head(URL, status=403)
    responses.get(URL)
    assert finding_of(tmp_path, Http()).rule == "completeness/web-available"


@responses.activate
@pytest.mark.parametrize("error", [requests.ReadTimeout, requests.ConnectionError])
def test_a_server_that_does_not_answer_is_unclear(
    tmp_path: Path, error: type[Exception]
) -> None:
    responses.head(URL, body=error("took too long"))
    assert finding_of(tmp_path, Http()).rule == "completeness/web-unclear"


@responses.activate
def test_a_folder_on_the_web_is_asked_for_too(tmp_path: Path) -> None:
    responses.head("https://example.org/data/")
    write_crate(tmp_path, folder("https://example.org/data/"))
    report = check(tmp_path, http=Http())
    found = only(report, "https://example.org/data/", "completeness")
    assert found.rule == "completeness/web-available"


@responses.activate
def test_a_server_that_does_not_answer_leaves_the_verdict_open(
    tmp_path: Path,
) -> None:
    responses.head(URL, status=500)
    write_crate(tmp_path, file(URL))
    verdict = check(tmp_path, http=Http()).verdict
    assert verdict.outcome is Outcome.UNDETERMINED


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (body(b"x"), "web-available"),
        (redirect("/there"), "web-available"),
        (redirect("/nowhere"), "web-missing"),
        (redirect("/"), "web-unclear"),
        (redirect("file:///etc/passwd"), "web-unclear"),
        (status(404), "web-missing"),
        (status(500), "web-unclear"),
    ],
)
def test_a_real_server_is_understood(tmp_path: Path, answer: Answer, rule: str) -> None:
    with serving({"/": answer, "/there": body(b"x")}) as server:
        found = finding_of(tmp_path, Http(allow_private=True), f"{server.url}/")
    assert found.rule == f"completeness/{rule}"


def test_the_place_a_redirect_led_to_is_kept_as_evidence(tmp_path: Path) -> None:
    with serving({"/": redirect("/there"), "/there": body(b"x")}) as server:
        found = finding_of(tmp_path, Http(allow_private=True), f"{server.url}/")
        assert found.evidence[0].source == f"{server.url}/there"


def test_a_private_address_in_a_crate_is_not_contacted(tmp_path: Path) -> None:
    with serving({"/": body(b"x")}) as server:
        found = finding_of(tmp_path, Http(), f"{server.url}/")
        assert found.rule == "completeness/web-unclear"
        assert "not a public address" in found.reason
        assert server.requests == []


@pytest.mark.parametrize(
    "url", ["http://user:secret@example.org/", "http://[::1", "https://exa mple.org/"]
)
def test_an_odd_url_is_unclear_and_asked_of_nobody(tmp_path: Path, url: str) -> None:
    assert finding_of(tmp_path, Http(), url).rule == "completeness/web-unclear"


def test_one_url_of_many_entities_is_told_for_each(tmp_path: Path) -> None:
    with serving({"/a": body(b"x"), "/b": body(b"x")}) as server:
        urls = [f"{server.url}/{name}" for name in "abcabcabcabc"]
        entities = [file(f"{url}?{count}") for count, url in enumerate(urls)]
        write_crate(tmp_path, *entities)
        found = check(tmp_path, http=Http(allow_private=True)).findings
        rules = [f.rule.partition("/")[2] for f in found if "web" in f.rule]
        assert rules == ["web-available", "web-available", "web-missing"] * 4


def test_servers_are_asked_no_longer_than_the_crate_may_take(tmp_path: Path) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.3)
        handler.say(200)

    with serving({"/": slow}) as server:
        entities = [file(f"{server.url}/?{count}") for count in range(64)]
        write_crate(tmp_path, *entities)
        began = time.monotonic()
        http, limits = Http(allow_private=True), Limits(seconds=0.6, jobs=1)
        found = check(tmp_path, http=http, limits=limits).findings
        assert time.monotonic() - began < 2
    last = next(f for f in reversed(found) if "web" in f.rule)
    assert last.rule == "completeness/web-unclear"
    assert "--max-time" in last.reason
