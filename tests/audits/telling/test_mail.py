"""Telling people by mail: what they get, and what the server may say to it."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from reverify.audits.telling import mail
from reverify.audits.telling.mail import tell
from reverify.audits.telling.means import Means, Server
from reverify.audits.telling.notice import Notice
from reverify.audits.telling.persisting import TRIES
from reverify.audits.telling.targets import Mail

from tests.audits.telling.changes import EVIL, change, notice
from tests.audits.telling.mail_server import PASSWORD, USER, Post, taking
from tests.fakes import FixedClock
from tests.test_schemas import faults

ELSEWHERE = "mail.example"
"""A host that is no loopback to those who know its name alone."""
A, B, C = "a@one.example", "b@two.example", "c@three.example"


class Sending:
    """Sends a notice by a server, and keeps what was waited."""

    def __init__(self, post: Post, host: str = "127.0.0.1", **server: Any) -> None:  # noqa: ANN401 - a field of it
        given: dict[str, Any] = {"host": host, "port": post.port, "tls": False}
        self.waited: list[float] = []
        self.means = Means(
            server=Server(**(given | server)),
            sender="reverify@archive.example",
            clock=FixedClock(),
            sleep=self.waited.append,
        )

    def tell(self, *to: str, told: Notice | None = None) -> str:
        return tell(told or notice(), Mail(to or (A,)), self.means)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make another host of this one."""
    known = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401
        return known("127.0.0.1" if host == ELSEWHERE else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """One that is trusted by whoever looks where OpenSSL looks."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    return made


def certified(authority: trustme.CA, host: str = ELSEWHERE) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return context


@pytest.fixture
def post() -> Iterator[Post]:
    with taking(Post()) as made:
        yield made


# -- the mail ----------------------------------------------------------------------


def test_people_get_the_text_and_the_json(post: Post) -> None:
    assert Sending(post).tell(A, B) == ""
    [(to, got, _)] = post.mail
    assert to == [A, B]
    assert post.senders == ["reverify@archive.example"]
    assert got["Subject"] == notice().subject
    assert (got["From"], got["To"]) == ("reverify@archive.example", f"{A}, {B}")
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Message-ID"] == f"<{notice().id}@archive.example>"
    assert got["Date"] == "Sat, 31 Jan 2026 12:00:00 +0000"
    text = got.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == notice().text()
    [attached] = got.iter_attachments()
    assert attached.get_filename() == "notice.json"
    assert attached.get_content_type() == "application/json"
    assert faults(json.loads(attached.get_content()), "notice") == []


def test_whatever_a_crate_says_makes_no_header_and_no_second_mail(post: Post) -> None:
    evil = f"{EVIL}\r\n.\r\nMAIL FROM:<x@evil.example>\r\n.\nBcc: x@evil.example"
    told = notice(change(evil, evil), name=evil)
    assert Sending(post).tell(told=told) == ""
    [(to, got, _)] = post.mail
    assert to == [A]
    ours = "Auto-Submitted Content-Type Date From MIME-Version Message-ID Subject To"
    assert sorted(got.keys()) == ours.split()
    assert got["Subject"] == told.subject
    text = got.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == told.text()


def test_names_that_are_not_ascii_arrive(post: Post) -> None:
    told = notice(change("/srv/crates/Übung"), name="Sammlung für Öl " * 20)
    assert Sending(post).tell(told=told) == ""
    [(_, got, _)] = post.mail
    text = got.get_body(("plain",))
    assert text is not None
    assert "/srv/crates/Übung" in text.get_content()
    assert got["Subject"] == told.subject


# -- again -------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["DATA", f"RCPT {A}"])
def test_a_server_that_says_later_is_asked_later(post: Post, command: str) -> None:
    post.answers[command] = ["451 later", "451 later"]
    sending = Sending(post)
    assert (sending.tell(), sending.waited) == ("", [2, 4])
    assert len(post.mail) == 1


def test_a_server_that_says_later_for_ever_is_given_up(post: Post) -> None:
    post.answers["DATA"] = ["451 \x1b[2Jfull"] * 99
    said = Sending(post).tell()
    assert said.startswith("the server says 451")
    assert said.endswith(f"tried {TRIES} times")
    assert post.asked.count("DATA") == TRIES


@pytest.mark.parametrize("command", ["DATA", f"RCPT {A}"])
def test_a_server_that_says_no_is_asked_once(post: Post, command: str) -> None:
    post.answers[command] = ["554 no such thing"]
    sending = Sending(post)
    assert "the server says 554 no such thing" in sending.tell()
    assert (post.mail, sending.waited) == ([], [])


def test_one_who_is_refused_keeps_no_other_from_it(post: Post) -> None:
    post.answers[f"RCPT {B}"] = ["550 nobody"]
    post.answers[f"RCPT {C}"] = ["450 later", "450 later"]
    said = Sending(post).tell(A, B, C)
    assert said == f"{B}: the server says 550 nobody"
    assert [to for to, _, _ in post.mail] == [[A], [C]]
    assert post.asked.count(f"RCPT {B}") == 1


def test_whoever_was_not_asked_for_is_asked_for_again(post: Post) -> None:
    post.answers[f"RCPT {B}"] = ["421 going down"]
    sending = Sending(post)
    assert (sending.tell(A, B, C), sending.waited) == ("", [2])
    assert [to for to, _, _ in post.mail] == [[A, B, C]]


def test_mail_that_was_taken_is_not_sent_again(post: Post) -> None:
    post.answers["QUIT"] = ["421 going down"] * 9
    sending = Sending(post)
    assert (sending.tell(), len(post.mail), sending.waited) == ("", 1, [])


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with taking(Post()) as post:
        pass
    sending = Sending(post)
    said = sending.tell()
    assert said.startswith("127.0.0.1: ")
    assert "refused" in said
    assert len(sending.waited) == TRIES - 1


def test_a_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail, "SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        post = Post()
        post.port = silent.getsockname()[1]
        said = Sending(post).tell()
    assert "timed out" in said
    assert f"tried {TRIES} times" in said


def test_a_host_that_can_be_none_is_tried_once() -> None:
    sending = Sending(Post(), host="a..b", port=25)
    assert sending.tell() != ""
    assert sending.waited == []


# -- passwords and TLS -------------------------------------------------------------


@pytest.mark.usefixtures("elsewhere")
def test_a_password_is_not_sent_in_the_open() -> None:
    with taking(Post(), auth_require_tls=False) as post:
        sending = Sending(post, ELSEWHERE, user=USER, password=PASSWORD)
        assert "a password is not sent in the open" in sending.tell()
        assert (post.mail, post.logins, sending.waited) == ([], [], [])


@pytest.mark.usefixtures("elsewhere")
def test_a_password_is_sent_over_starttls(authority: trustme.CA) -> None:
    with taking(Post(), tls=certified(authority)) as post:
        sending = Sending(post, ELSEWHERE, user=USER, password=PASSWORD)
        assert sending.tell() == ""
        assert [secure for _, _, secure in post.mail] == [True]
        assert post.logins == [USER]


@pytest.mark.usefixtures("elsewhere")
def test_a_password_is_sent_over_tls(authority: trustme.CA) -> None:
    tls = certified(authority)
    with taking(Post(), tls=tls, at_once=True, auth_require_tls=False) as post:
        sending = Sending(post, ELSEWHERE, tls=True, user=USER, password=PASSWORD)
        assert sending.tell() == ""
        assert (len(post.mail), post.logins) == (1, [USER])


def test_a_password_may_go_to_this_machine() -> None:
    with taking(Post(), auth_require_tls=False) as post:
        sending = Sending(post, user=USER, password=PASSWORD)
        assert sending.tell() == ""
        assert (len(post.mail), post.logins) == (1, [USER])


@pytest.mark.usefixtures("elsewhere")
def test_tls_is_used_where_it_is_offered(authority: trustme.CA) -> None:
    with taking(Post(), tls=certified(authority)) as post:
        assert Sending(post, ELSEWHERE).tell() == ""
        assert [secure for _, _, secure in post.mail] == [True]


@pytest.mark.usefixtures("elsewhere", "authority")
@pytest.mark.parametrize("at_once", [False, True])
def test_a_server_that_cannot_show_who_it_is_gets_nothing(*, at_once: bool) -> None:
    other = certified(trustme.CA())
    with taking(Post(), tls=other, at_once=at_once) as post:
        sending = Sending(post, ELSEWHERE, tls=at_once, user=USER, password=PASSWORD)
        assert "certificate verify failed" in sending.tell()
        assert (post.mail, post.logins, sending.waited) == ([], [], [])


@pytest.mark.usefixtures("elsewhere")
def test_a_certificate_of_another_host_is_none(authority: trustme.CA) -> None:
    with taking(Post(), tls=certified(authority, "other.example")) as post:
        assert "certificate verify failed" in Sending(post, ELSEWHERE).tell()
        assert post.mail == []


def test_a_wrong_password_is_tried_once_and_shown_nowhere() -> None:
    with taking(Post(), auth_require_tls=False) as post:
        sending = Sending(post, user=USER, password="secret-word")
        said = sending.tell()
        assert "the server says 535" in said
        assert "secret-word" not in said
        assert sending.waited == []


def test_without_a_server_nobody_is_told() -> None:
    assert "set REVERIFY_SMTP_URL" in tell(notice(), Mail((A,)), Means())
