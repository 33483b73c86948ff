"""A real server of mail on the loopback address, which answers as it is told."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "me", "pass word"


class Post:
    """Keeps the mail that it takes.

    Attributes:
        answers: what to say next, by `RCPT a@example.org`, `DATA` or `QUIT`; what it
            says when none is left is yes.
        mail: who got what, and whether over TLS.
        logins: users who came with the right password.
        port: where it listens.
    """

    def __init__(self, **answers: list[str]) -> None:
        self.answers = dict(answers)
        self.mail: list[tuple[list[str], EmailMessage, bool]] = []
        self.senders: list[str] = []
        self.logins: list[str] = []
        self.asked: list[str] = []
        self.port = 0

    def _next(self, name: str, usual: str) -> str:
        self.asked.append(name)
        left = self.answers.get(name, [])
        return left.pop(0) if left else usual

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        answer = self._next(f"RCPT {address}", "250 yes")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, _: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self._next("DATA", "250 taken")
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            made = message_from_bytes(envelope.content, policy=default)
            secure = session.ssl is not None
            self.mail.append((list(envelope.rcpt_tos), made, secure))
            self.senders.append(str(envelope.mail_from))
        return answer

    async def handle_QUIT(  # noqa: N802
        self, _: SMTP, __: Session, ___: Envelope
    ) -> str:
        return self._next("QUIT", "221 bye")

    def authenticate(self, *given: Any) -> AuthResult:  # noqa: ANN401
        """Called by aiosmtpd with who somebody says to be."""
        login = given[-1]
        well = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
        if well:
            self.logins.append(USER)
        return AuthResult(success=well, handled=False)


@contextlib.contextmanager
def taking(
    post: Post,
    *,
    tls: ssl.SSLContext | None = None,
    at_once: bool = False,
    **options: Any,  # noqa: ANN401 - of aiosmtpd
) -> Iterator[Post]:
    """Serve until the block ends.

    Args:
        post: takes the mail.
        tls: for TLS; without it there is none.
        at_once: whether TLS begins at once, and not after STARTTLS.
        options: of aiosmtpd.
    """
    ready = threading.Event()
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def protocol() -> SMTP:
            return SMTP(
                post,
                hostname="mail.example",
                loop=loop,
                tls_context=None if at_once else tls,
                authenticator=post.authenticate,
                **options,
            )

        secure = tls if at_once else None
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=secure)
        post.port = server.sockets[0].getsockname()[1]
        stop.append(lambda: loop.call_soon_threadsafe(done.set))
        ready.set()
        await done.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield post
    finally:
        stop[0]()
        thread.join(10)
