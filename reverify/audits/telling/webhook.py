"""Telling a program on the web, signed as Standard Webhooks has it.

Source: Standard Webhooks 1.0, https://www.standardwebhooks.com/
"""

import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reverify.audits.telling.means import Means
from reverify.audits.telling.notice import Notice
from reverify.audits.telling.persisting import Attempt, persist
from reverify.audits.telling.targets import Webhook
from reverify.errors import LimitError, RefusedError, ServiceError

SECONDS = 15.0
LIMIT = 1 << 16
_OK, _GONE, _TOO_MANY, _SERVER = range(200, 300), 410, 429, range(500, 600)


def tell(notice: Notice, target: Webhook, means: Means) -> str:
    """Tell it; the id is the same on each try, so that it can drop what comes twice.

    Returns:
        why that failed; empty if it did not.
    """
    body = notice.to_json()
    return persist(lambda: _post(notice.id, body, target, means), means.sleep)


def signed(id: str, at: datetime, body: bytes, key: bytes) -> dict[str, str]:
    """The headers that a message has.

    Args:
        id: of the message.
        at: when it is sent.
        body: what is sent.
        key: to sign with; without one there is no signature.
    """
    time = str(int(at.timestamp()))
    headers = {"webhook-id": id, "webhook-timestamp": time}
    if key:
        digest = hmac.digest(key, f"{id}.{time}.".encode() + body, "sha256")
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


def _post(id: str, body: bytes, target: Webhook, means: Means) -> Attempt:
    if means.http is None:
        return Attempt("no socket is opened when offline")
    now = means.clock.now()
    headers = signed(id, now, body, means.key) | {"Content-Type": "application/json"}
    try:
        reply = means.http.ask(
            "POST",
            target.url,
            limit=LIMIT,
            seconds=SECONDS,
            headers=headers,
            body=body,
        )
    except LimitError as error:
        return Attempt(f"it began to answer, and did not come to an end ({error})")
    except ServiceError as error:
        return Attempt(str(error), again=not isinstance(error, RefusedError))
    return _judged(reply.status, reply.headers, now)


def _judged(status: int, headers: Mapping[str, str], now: datetime) -> Attempt:
    if status in _OK:
        return Attempt()
    if status == _GONE:
        return Attempt("it answers 410 Gone: it wants no more; take it off --notify")
    again = status == _TOO_MANY or status in _SERVER
    after = _retry_after(headers.get("retry-after", ""), now) if again else 0.0
    return Attempt(f"it answers {status}", again, after)


def _retry_after(text: str, now: datetime) -> float:
    """Seconds to wait; 0 if a server says nothing that makes sense.

    Source: RFC 9110, 10.2.3: seconds, or a date.
    """
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return 0.0
    if at.tzinfo is None:  # written as -0000
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
