"""Telling all: each of them, whatever becomes of the others."""

import sys
from pathlib import Path

import pytest
import responses
from reverify.audits.telling import mail
from reverify.audits.telling.means import Means, Server
from reverify.audits.telling.sending import send
from reverify.audits.telling.targets import Command, Mail, Target, Webhook
from reverify.services.http import Http

from tests.audits.telling.changes import notice
from tests.audits.telling.mail_server import Post, taking
from tests.fakes import FixedClock

URL = "https://hooks.example/T0/secret-word"


def program(text: str) -> Command:
    return Command((sys.executable, "-c", text))


def patient(**more: object) -> Means:
    means = Means(http=Http(), clock=FixedClock(), sleep=lambda _: None)
    return Means(**{name: getattr(means, name) for name in means.__slots__} | more)


@responses.activate
def test_all_are_told(tmp_path: Path) -> None:
    responses.post(URL)
    with taking(Post()) as post:
        means = patient(
            server=Server(host="127.0.0.1", port=post.port, tls=False),
            sender="me@archive.example",
        )
        touch = program(f"open({str(tmp_path / 'told')!r}, 'w')")
        targets: list[Target] = [Webhook(URL), Mail(("a@b.example",)), touch]
        assert send(notice(), targets, means) == []
        assert len(post.mail) == 1
    assert len(responses.calls) == 1
    assert (tmp_path / "told").exists()


@responses.activate
def test_one_that_cannot_be_told_keeps_no_other_from_it() -> None:
    responses.post(URL, status=404)
    targets: list[Target] = [
        program("raise SystemExit(3)"),
        Webhook(URL),
        Mail(("a@b.example",)),
        program("pass"),
    ]
    assert send(notice(), targets, patient()) == [
        f"command:{sys.executable} was not told: exit status 3",
        "https://hooks.example was not told: it answers 404",
        "mailto:a@b.example was not told: no server takes mail; set REVERIFY_SMTP_URL",
    ]


def test_even_a_fault_of_ours_keeps_no_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("oh\x1b[2J")

    monkeypatch.setattr(mail, "tell", fail)
    touch = program(f"open({str(tmp_path / 'told')!r}, 'w')")
    assert send(notice(), [Mail(("a@b.example",)), touch], patient()) == [
        "mailto:a@b.example was not told: RuntimeError: oh\\x1b[2J"
    ]
    assert (tmp_path / "told").exists()


@responses.activate
@pytest.mark.parametrize(
    "answer", [{"status": 500}, {"status": 307, "headers": {"Location": URL}}, {}]
)
def test_the_address_of_a_webhook_is_shown_nowhere(answer: dict[str, object]) -> None:
    if answer:
        responses.post(URL, **answer)
    [said] = send(notice(), [Webhook(URL)], patient())
    assert "secret-word" not in said
    assert said.startswith("https://hooks.example was not told: ")


@responses.activate
def test_whoever_is_named_twice_is_told_once() -> None:
    responses.post(URL)
    assert send(notice(), [Webhook(URL), Webhook(URL)], patient()) == []
    assert len(responses.calls) == 1


def test_mail_and_a_program_of_the_same_name_are_two() -> None:
    targets: list[Target] = [Mail(("a@b.example",)), Command(("a@b.example",))]
    assert len(send(notice(), targets, patient())) == 2
