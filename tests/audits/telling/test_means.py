"""What it takes to tell people is looked at before the audit begins."""

import base64
from pathlib import Path
from typing import Any

import pytest
from reverify.audits.telling.means import Server, means_for, read_key, read_server
from reverify.audits.telling.targets import Command, Mail, Target, Webhook
from reverify.errors import UsageError
from reverify.services.http import Http
from reverify.settings import Settings, load_settings

WEB = Webhook("https://a.example")
PEOPLE, PROGRAM = Mail(("a@b.example",)), Command(("tell",))
KEY = bytes(range(32))


def settings(folder: Path, *, offline: bool = False, **environ: str) -> Settings:
    named = {f"REVERIFY_{name}": value for name, value in environ.items()}
    flags = {"offline": offline}
    return load_settings(flags, environ=named, folder=folder, user_folder=folder)


@pytest.mark.parametrize("target", [WEB, PEOPLE])
def test_offline_nobody_is_told_over_a_socket(tmp_path: Path, target: Target) -> None:
    offline = settings(tmp_path, offline=True)
    with pytest.raises(UsageError, match="--offline opens no socket"):
        means_for([PROGRAM, target], offline, http=None, environ={})


def test_offline_a_program_is_told(tmp_path: Path) -> None:
    offline = settings(tmp_path, offline=True)
    made = means_for([PROGRAM], offline, http=Http(), environ={"A": "1"})
    assert (made.http, made.environ) == (None, {"A": "1"})


def test_mail_needs_a_server_and_a_sender(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="set REVERIFY_SMTP_URL"):
        means_for([PEOPLE], settings(tmp_path), http=None, environ={})
    alone = settings(tmp_path, SMTP_URL="smtp://localhost")
    with pytest.raises(UsageError, match="set REVERIFY_MAIL_FROM"):
        means_for([PEOPLE], alone, http=None, environ={})
    both = settings(tmp_path, SMTP_URL="smtp://localhost", MAIL_FROM="me@b.example")
    made = means_for([PEOPLE], both, http=None, environ={})
    assert made.server == Server(host="localhost", port=25, tls=False)
    assert made.sender == "me@b.example"


def test_what_is_not_needed_is_not_looked_at(tmp_path: Path) -> None:
    odd = settings(tmp_path, SMTP_URL="nonsense", NOTIFY_SECRET="nonsense")
    assert means_for([PROGRAM], odd, http=None, environ={}).key == b""


def test_webhooks_are_signed_if_there_is_a_secret(tmp_path: Path) -> None:
    http = Http()
    secret = base64.b64encode(KEY).decode()
    signed = settings(tmp_path, NOTIFY_SECRET=f"whsec_{secret}")
    made = means_for([WEB], signed, http=http, environ={})
    assert (made.key, made.http) == (KEY, http)
    assert means_for([WEB], settings(tmp_path), http=http, environ={}).key == b""


def test_nothing_that_is_secret_is_shown(tmp_path: Path) -> None:
    secret = base64.b64encode(KEY).decode()
    url = "smtps://me:pass@mail.example"
    told: dict[str, Any] = {
        "SMTP_URL": url,
        "MAIL_FROM": "me@b.example",
        "NOTIFY_SECRET": secret,
    }
    environ = {"TOKEN_OF_OTHERS": "hidden"}
    made = means_for(
        [WEB, PEOPLE], settings(tmp_path, **told), http=None, environ=environ
    )
    shown = repr(made)
    assert made.server is not None
    assert made.server.password == "pass"
    assert not [word for word in ("pass'", "hidden", repr(KEY)) if word in shown]


@pytest.mark.parametrize("form", ["whsec_{}", "{}"])
@pytest.mark.parametrize("length", [24, 25, 26, 64])
def test_a_key_is_base64_with_or_without_its_prefix(form: str, length: int) -> None:
    text = base64.b64encode(bytes(length)).decode()
    assert read_key(form.format(text)) == bytes(length)
    assert read_key(form.format(text.rstrip("="))) == bytes(length)


@pytest.mark.parametrize("length", [0, 23, 65])
def test_a_key_that_is_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(UsageError, match="24 to 64 bytes"):
        read_key("whsec_" + base64.b64encode(bytes(length)).decode())


@pytest.mark.parametrize("text", ["whsec_", "!" * 40, "secret-_" * 8, "ä" * 40])
def test_what_is_no_key_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="openssl rand") as caught:
        read_key(text)
    assert text == "whsec_" or text not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "server"),
    [
        ("smtp://h", Server(host="h", port=25, tls=False)),
        ("smtp://h:2525/", Server(host="h", port=2525, tls=False)),
        ("smtps://h", Server(host="h", port=465, tls=True)),
        ("SMTP://[::1]:26", Server(host="::1", port=26, tls=False)),
        (
            "smtp://me:word@h",
            Server(host="h", port=587, tls=False, user="me", password="word"),
        ),
        (
            "smtps://me%40b:w%3Ao%2Frd@h:1",
            Server(host="h", port=1, tls=True, user="me@b", password="w:o/rd"),
        ),
    ],
)
def test_the_address_of_a_server_is_read(address: str, server: Server) -> None:
    assert read_server(address) == server


@pytest.mark.parametrize(
    "address",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://:25",
        "smtp://h:0",
        "smtp://h:99999",
        "smtp://[::1",
        "smtp://h/path",
        "smtp://h?tls=no",
        "smtp://h#x",
        "smtp://secret@h",
        "smtp://:secret@h",
        "smtp://me:secr%C3%A4t@h",
    ],
)
def test_an_odd_address_of_a_server_is_not_repeated(address: str) -> None:
    with pytest.raises(UsageError, match="write smtp://HOST") as caught:
        read_server(address)
    assert "secr" not in str(caught.value)
