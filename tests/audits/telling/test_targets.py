"""Targets: what a user may write, and what is said of the rest."""

from pathlib import Path

import pytest
from reverify.audits.telling.targets import Command, Mail, Webhook, read_target
from reverify.errors import UsageError


@pytest.mark.parametrize("scheme", ["https", "http", "HTTPS"])
def test_an_address_of_the_web_is_a_webhook(scheme: str) -> None:
    url = f"{scheme}://hooks.example/in?key=1"
    assert read_target(f" {url} ") == Webhook(url)


def test_a_webhook_is_spoken_of_by_its_host_alone() -> None:
    target = read_target("https://hooks.example:8443/T0/B0/secret?key=secret")
    assert target.name == "https://hooks.example:8443"


def test_mail_goes_to_one_or_several() -> None:
    assert read_target("mailto:a@b.example") == Mail(("a@b.example",))
    several = "mailto:a@b.example, c+d@e.example,a@b.example"
    assert read_target(several) == Mail(("a@b.example", "c+d@e.example"))


def test_a_command_is_split_as_a_shell_would() -> None:
    target = read_target("command:/opt/tell 'two words' $HOME ; rm")
    assert target == Command(("/opt/tell", "two words", "$HOME", ";", "rm"))
    assert target.name == "command:/opt/tell"


def test_a_file_may_hold_the_address_of_a_webhook(tmp_path: Path) -> None:
    path = tmp_path / "hook"
    path.write_text("https://hooks.example/secret\n")
    path.chmod(0o600)
    assert read_target(f"@{path}") == Webhook("https://hooks.example/secret")
    path.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_target(f"@{path}")


@pytest.mark.parametrize("text", ["mailto:a@b.example", "hooks.example/secret", "x:y"])
def test_a_file_that_holds_something_else_is_not_repeated(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "hook"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="holds no https address") as caught:
        read_target(f"@{path}")
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("a@b.example", "write mailto:a@b.example"),
        ("/usr/bin/tell", "write command:/usr/bin/tell"),
        ("~/tell", "write command:~/tell"),
        ("hooks.example/in", "write https://HOST/PATH"),
        ("ftp://hooks.example/in", "write https://HOST/PATH"),
        ("mailto", "write https://HOST/PATH"),
        ("", "write https://HOST/PATH"),
        ("https://", "only http and https are asked"),
        ("https://user:word@hooks.example/", "a name, password or blank"),
        ("https://hooks.example/a b", "a name, password or blank"),
        ("https://hooks.example:0/", "only http and https"),
        ("mailto:", "write mailto:a@example.org"),
        ("mailto:a@b.example?bcc=c@d.example", "write mailto:a@example.org"),
        ("mailto:a@b.example%0aBcc:c@d.example", "write mailto:a@example.org"),
        ("mailto:a@b.example\nBcc: c@d.example", "write mailto:a@example.org"),
        ("command:", "a program is missing"),
        ("command:''", "a program is missing"),
        ("command:tell\0", "a program is missing"),
        ("command:tell 'x", "quote it"),
        ("@/nonexistent/file", "cannot be read"),
    ],
)
def test_whoever_is_nobody_is_told_what_to_write(text: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_target(text)
    assert advice in str(caught.value)
