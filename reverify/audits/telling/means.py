"""What it takes to tell people: looked at before an audit begins, not after it."""

import base64
import binascii
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from reverify.audits.telling.targets import Command, Mail, Target, Webhook
from reverify.errors import UsageError
from reverify.services.clock import Clock, SystemClock

if TYPE_CHECKING:
    from reverify.services.http import Http
    from reverify.settings import Settings

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
_PORTS = {"smtp": 25, "smtps": 465}
_SUBMISSION = 587


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that takes mail.

    Attributes:
        host: its name or address.
        port: where it listens.
        tls: whether TLS begins at once.
        user: who we are to it; empty for nobody.
        password: how we show it.
    """

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """With what people are told.

    Attributes:
        http: the one way to the web; None when offline.
        key: what webhooks are signed with; empty to sign none.
        server: takes mail; None if there is none.
        sender: whom mail comes from.
        environ: the environment of programs.
        clock: what time it is.
        sleep: waits for so many seconds.
    """

    http: "Http | None" = None
    key: bytes = field(default=b"", repr=False)
    server: Server | None = None
    sender: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], None] = time.sleep


def means_for(
    targets: Sequence[Target],
    settings: "Settings",
    *,
    http: "Http | None",
    environ: Mapping[str, str],
) -> Means:
    """Gather what it takes to tell these, so that nothing turns out to lack later.

    Args:
        targets: who is to be told.
        settings: what the user wants.
        http: the one way to the web; None when offline.
        environ: the environment of programs.

    Raises:
        UsageError: something lacks, or makes no sense; says what to do.
    """
    for target in targets:
        if settings.offline and not isinstance(target, Command):
            raise UsageError(
                f"--offline opens no socket, so {target.name} cannot be told; leave out"
                " one of the two, or let a program tell it: command:PROGRAM"
            )
    mails = any(isinstance(target, Mail) for target in targets)
    signs = any(isinstance(target, Webhook) for target in targets)
    return Means(
        http=None if settings.offline else http,
        key=read_key(settings.notify_secret.reveal()) if signs else b"",
        server=_server(settings) if mails else None,
        sender=settings.mail_from,
        environ=environ,
    )


def _server(settings: "Settings") -> Server:
    address = settings.mail_server()
    if not address:
        raise UsageError(
            "mail needs a server that takes it; set REVERIFY_SMTP_URL to"
            " smtp://HOST or smtps://USER:PASSWORD@HOST"
        )
    if not settings.mail_from:
        raise UsageError(
            "mail must come from somebody; set REVERIFY_MAIL_FROM to name@example.org"
        )
    return read_server(address)


def read_key(secret: str) -> bytes:
    """The key that a secret of a webhook stands for; empty for no secret.

    Raises:
        UsageError: it is none. It is not repeated.

    Source: Standard Webhooks, "Signature scheme": base64, `whsec_` before it.
    """
    if not secret:
        return b""
    try:
        text = secret.removeprefix(_PREFIX).rstrip("=")
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST <= len(key) <= _MOST:
        raise UsageError(
            f"REVERIFY_NOTIFY_SECRET is not the base64 of {_LEAST} to {_MOST} bytes;"
            ' make one: echo "whsec_$(openssl rand -base64 32)"'
        )
    return key


def read_server(address: str) -> Server:
    """Read the address of a server that takes mail.

    Without a port it is 465 for `smtps`, and for `smtp` 587 with a password and 25
    without one.

    Raises:
        UsageError: it is none. It is not repeated.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise _odd("is no address") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise _odd("is no address of a server that takes mail")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _odd("ends after the host and the port")
    user, password = _login(parts)
    usual = _SUBMISSION if user and parts.scheme == "smtp" else _PORTS[parts.scheme]
    return Server(
        host=parts.hostname,
        port=port or usual,
        tls=parts.scheme == "smtps",
        user=user,
        password=password,
    )


def _login(parts: SplitResult) -> tuple[str, str]:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise _odd("names a user without a password, or the other way round")
    if not (user + password).isascii():
        raise _odd("has a user or a password that is not ASCII, which SMTP cannot say")
    return user, password


def _odd(what: str) -> UsageError:
    return UsageError(
        f"REVERIFY_SMTP_URL {what}; write smtp://HOST, smtp://USER:PASSWORD@HOST:587 or"
        " smtps://USER:PASSWORD@HOST"
    )
