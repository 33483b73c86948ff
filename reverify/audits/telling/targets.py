"""Who is to be told, as a user writes it."""

import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from reverify.errors import UsageError
from reverify.services.http import check_url
from reverify.settings import SecretAddress, is_mailbox

_FORMS = (
    "write https://HOST/PATH, mailto:NAME@HOST, command:PROGRAM, or @ and a file that"
    " holds an https address"
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program that listens on the web.

    Attributes:
        url: where; it may well have a secret in it, and is never shown.
    """

    url: str

    @property
    def name(self) -> str:
        """What it is called where it is spoken of: its host."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class Mail:
    """People, by mail.

    Attributes:
        to: their addresses.
    """

    to: tuple[str, ...]

    @property
    def name(self) -> str:
        """What they are called where they are spoken of."""
        return f"mailto:{','.join(self.to)}"


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the user's own.

    Attributes:
        words: the program and its arguments.
    """

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called where it is spoken of; not its arguments."""
        return f"command:{self.words[0]}"


Target = Webhook | Mail | Command


def read_target(text: str) -> Target:
    """Read who is to be told, `mailto:a@example.org` say.

    Raises:
        UsageError: it is nobody; says what to write instead.
    """
    scheme, colon, rest = text.strip().partition(":")
    match scheme.lower():
        case "https" | "http" if colon:
            check_url(text.strip())
            return Webhook(text.strip())
        case "mailto" if colon:
            return Mail(_mailboxes(rest))
        case "command" if colon:
            return Command(_words(rest))
    if text.startswith("@"):
        return _kept(text)
    raise UsageError(f"--notify: {text!r} is nobody; {_advice(text.strip())}")


def _mailboxes(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(each.strip() for each in text.split(",")))
    for each in found:
        if not is_mailbox(each):
            raise UsageError(
                f"--notify: {each!r} is no address of mail; write"
                " mailto:a@example.org,b@example.org"
            )
    return found


def _words(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--notify: command:{text}: {error}; quote it") from error
    if not words or not words[0] or "\0" in text:
        raise UsageError(
            "--notify: a program is missing; write command:/path/to/program"
        )
    return words


def _kept(text: str) -> Webhook:
    """The webhook whose address a file holds; it is repeated nowhere."""
    url = SecretAddress(text).reveal()
    try:
        check_url(url)
    except UsageError:
        raise UsageError(f"--notify: {text}: holds no https address") from None
    return Webhook(url)


def _advice(text: str) -> str:
    if is_mailbox(text):
        return f"write mailto:{text}"
    if text.startswith(("/", "./", "~")):
        return f"write command:{text}, or @{text} if it holds an https address"
    return _FORMS
