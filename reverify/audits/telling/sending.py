"""Telling all who are to be told; that one cannot be keeps no other from it."""

from collections.abc import Sequence

from reverify.audits.telling import command, mail, webhook
from reverify.audits.telling.means import Means
from reverify.audits.telling.notice import Notice
from reverify.audits.telling.targets import Command, Mail, Target, Webhook
from reverify.formats.escape import printable

_MOST = 500


def send(notice: Notice, targets: Sequence[Target], means: Means) -> list[str]:
    """Tell each of them, one after the other.

    A notice that does not arrive says nothing of the crates: no verdict changes by it.

    Returns:
        who could not be told, and why: one printable sentence each.
    """
    problems = []
    for target in dict.fromkeys(targets):
        try:
            problem = _tell(notice, target, means)
        except Exception as error:  # noqa: BLE001 - the others shall be told
            problem = f"{type(error).__name__}: {error}"
        if problem:
            if isinstance(target, Webhook):  # its address may have a secret in it
                problem = problem.replace(target.url, target.name)
            said = printable(problem, _MOST)
            problems.append(f"{printable(target.name, _MOST)} was not told: {said}")
    return problems


def _tell(notice: Notice, target: Target, means: Means) -> str:
    match target:
        case Webhook():
            return webhook.tell(notice, target, means)
        case Mail():
            return mail.tell(notice, target, means)
        case Command():
            return command.tell(notice, target, means)
