"""Telling people by mail, through the server that the user names.

Since that server is named by the user, and by no project's file and no crate, it may be
anywhere: on this machine, or at a private address, as mail servers often are.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from reverify.audits.telling.means import Means, Server
from reverify.audits.telling.notice import Notice
from reverify.audits.telling.persisting import Attempt, persist
from reverify.audits.telling.targets import Mail
from reverify.settings import LOOPBACK

SECONDS = 30.0
"""How long connecting may take, and each answer of the server."""
_TEMPORARY = range(400, 500)


def tell(notice: Notice, target: Mail, means: Means) -> str:
    """Hand one mail for all of them to the server.

    Returns:
        why that failed, for whom; empty if it did not.
    """
    if means.server is None:
        return "no server takes mail; set REVERIFY_SMTP_URL"
    mailing = _Mailing(message(notice, target, means), means.server, target.to)
    problem = persist(mailing.attempt, means.sleep)
    return "; ".join(filter(None, [*mailing.refused, problem]))


def message(notice: Notice, target: Mail, means: Means) -> EmailMessage:
    """The mail: the text to be read, and the JSON attached.

    The policy refuses a header that has a line end in it, and ours are printable.
    """
    made = EmailMessage(policy=SMTP)
    made["Subject"] = notice.subject
    made["From"] = _address(means.sender)
    made["To"] = [_address(each) for each in target.to]
    made["Date"] = format_datetime(means.clock.now())
    made["Message-ID"] = f"<{notice.id}@{means.sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody is to answer
    made.set_content(notice.text(), cte="quoted-printable")
    made.add_attachment(
        notice.to_json(),
        maintype="application",
        subtype="json",
        filename="notice.json",
    )
    return made


def _address(text: str) -> Address:
    name, _, host = text.rpartition("@")
    return Address(username=name, domain=host)


class _Mailing:
    """One mail on its way to several people, who may be refused one by one.

    Args:
        message: the mail.
        server: takes it.
        to: for whom it is.

    Attributes:
        refused: who was refused for good, and why.
    """

    def __init__(
        self, message: EmailMessage, server: Server, to: Sequence[str]
    ) -> None:
        self._message = message
        self._server = server
        self._left = list(to)
        self.refused: list[str] = []

    def attempt(self) -> Attempt:
        """Hand it in, for all who do not have it yet."""
        try:
            return self._sorted(self._hand_in(), taken=True)
        except smtplib.SMTPRecipientsRefused as error:
            return self._sorted(error.recipients, taken=False)
        except smtplib.SMTPResponseException as error:
            said = _said(error.smtp_code, error.smtp_error)
            return Attempt(said, error.smtp_code in _TEMPORARY)
        except smtplib.SMTPServerDisconnected as error:
            return Attempt(str(error), again=True)
        except (smtplib.SMTPException, ssl.SSLError, UnicodeError) as error:
            return Attempt(str(error))
        except OSError as error:
            return Attempt(f"{self._server.host}: {error}", again=True)

    def _hand_in(self) -> Mapping[str, tuple[int, bytes]]:
        smtp = _connected(self._server)
        try:
            refused = smtp.send_message(
                self._message, str(self._message["From"]), self._left
            )
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # it has the mail, whatever it says now
        finally:
            smtp.close()
        return refused

    def _sorted(
        self, refused: Mapping[str, tuple[int, bytes]], *, taken: bool
    ) -> Attempt:
        """See who was refused for good, and who is left.

        Args:
            refused: who was refused, and what the server said.
            taken: whether it took the mail for the others.
        """
        later = {to: said for to, said in refused.items() if said[0] in _TEMPORARY}
        for to, said in refused.items():
            if to not in later:
                self.refused.append(f"{to}: {_said(*said)}")
        others = set() if taken else set(self._left) - refused.keys()
        self._left = [to for to in self._left if to in later or to in others]
        problems = [f"{to}: {_said(*said)}" for to, said in later.items()]
        return Attempt("; ".join(problems), again=bool(self._left))


def _connected(server: Server) -> smtplib.SMTP:
    """A session in which mail may be handed in.

    A password goes over TLS alone, but for a server on this machine. Without one, TLS
    is used where the server offers it.
    """
    context = ssl.create_default_context()
    if server.tls:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=SECONDS, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        if not server.tls and server.host not in LOOPBACK:
            _encrypt(smtp, server, context)
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _encrypt(smtp: smtplib.SMTP, server: Server, context: ssl.SSLContext) -> None:
    if smtp.has_extn("starttls"):
        smtp.starttls(context=context)
        smtp.ehlo()
    elif server.user:
        raise smtplib.SMTPNotSupportedError(
            f"{server.host} offers no STARTTLS, and a password is not sent in the open"
        )


def _said(code: int, text: bytes | str) -> str:
    said = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return f"the server says {code} {said}"
