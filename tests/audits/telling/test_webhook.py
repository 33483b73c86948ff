"""Telling a program on the web: signed, again where that helps, and never in a loop."""

import base64
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import responses
from reverify.audits.telling.means import Means
from reverify.audits.telling.notice import Notice
from reverify.audits.telling.persisting import TRIES
from reverify.audits.telling.targets import Webhook
from reverify.audits.telling.webhook import signed, tell
from reverify.services.clock import SystemClock
from reverify.services.http import Http
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError

from tests.audits.telling.changes import EVIL, change, notice
from tests.fakes import NOON, FixedClock
from tests.services.servers import Answer, Handler, body, redirect, serving, status
from tests.test_schemas import faults

URL = "https://hooks.example/in"
KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


class Sending:
    """Sends a notice, and keeps what was waited."""

    def __init__(self, **means: Any) -> None:  # noqa: ANN401 - a field of it
        self.waited: list[float] = []
        given: dict[str, Any] = {
            "http": Http(),
            "clock": FixedClock(),
            "key": KEY,
        } | means
        self.means = Means(sleep=self.waited.append, **given)

    def tell(self, url: str = URL, told: Notice | None = None) -> str:
        return tell(told or notice(), Webhook(url), self.means)


def inside() -> Http:
    return Http(allow_private=True)


def in_turn(*answers: Answer) -> Answer:
    """Answers one after the other."""
    left = list(answers)

    def answer(handler: Handler) -> None:
        left.pop(0)(handler)

    return answer


# -- the message -------------------------------------------------------------------


def test_a_receiver_of_standard_webhooks_takes_it() -> None:
    with serving({"/in": body(b"")}) as server:
        sending = Sending(http=inside(), clock=SystemClock())
        assert sending.tell(f"{server.url}/in", notice(change(EVIL))) == ""
        assert server.requests == ["POST /in"]
        headers, sent = server.headers[0], server.bodies[0]
    told = Receiver(SECRET).verify(sent, headers)
    assert faults(told, "notice") == []
    assert headers["Content-Type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Receiver(SECRET).verify(sent + b" ", headers)


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the specification's own libraries.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = NOON.fromtimestamp(1614265330, tz=NOON.tzinfo)
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', key)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@responses.activate
def test_without_a_secret_nothing_is_signed() -> None:
    responses.post(URL)
    assert Sending(key=b"").tell() == ""
    headers = responses.calls[0].request.headers
    assert headers["webhook-id"] == notice().id
    assert "webhook-signature" not in headers


@responses.activate
@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_any_answer_of_success_will_do(code: int) -> None:
    responses.post(URL, status=code)
    assert Sending().tell() == ""


# -- again -------------------------------------------------------------------------


@responses.activate
@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_told_again(code: int) -> None:
    responses.post(URL, status=code)
    responses.post(URL, status=200)
    sending = Sending()
    assert (sending.tell(), sending.waited) == ("", [2])


@responses.activate
def test_each_try_has_the_same_id_and_its_own_time() -> None:
    class Later(FixedClock):
        past = timedelta()

        def now(self) -> Any:  # noqa: ANN401 - a time
            self.past += timedelta(seconds=10)
            return NOON + self.past

    responses.post(URL, status=500)
    responses.post(URL, status=200)
    assert Sending(clock=Later()).tell() == ""
    first, second = (call.request.headers for call in responses.calls)
    assert first["webhook-id"] == second["webhook-id"]
    times = [int(each["webhook-timestamp"]) for each in (first, second)]
    assert times[1] - times[0] == 10
    assert first["webhook-signature"] != second["webhook-signature"]


@responses.activate
def test_a_server_that_stays_in_trouble_is_given_up() -> None:
    responses.post(URL, status=503)
    assert Sending().tell() == f"it answers 503; tried {TRIES} times"
    assert len(responses.calls) == TRIES


def test_a_real_server_that_recovers_gets_the_same_message() -> None:
    with serving({"/in": in_turn(status(503), status(503), body(b""))}) as server:
        sending = Sending(http=inside())
        assert sending.tell(f"{server.url}/in") == ""
        assert len({headers["webhook-id"] for headers in server.headers}) == 1
        assert len(server.bodies) == 3
        assert len(set(server.bodies)) == 1


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with serving() as server:
        url = f"{server.url}/in"
    sending = Sending(http=inside())
    assert f"tried {TRIES} times" in sending.tell(url)
    assert sending.waited == [2, 4, 8, 16]


@responses.activate
@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 408, 422, 304])
def test_a_refusal_is_a_refusal(code: int) -> None:
    responses.post(URL, status=code)
    sending = Sending()
    assert (sending.tell(), sending.waited) == (f"it answers {code}", [])


@responses.activate
def test_whoever_is_gone_wants_no_more() -> None:
    responses.post(URL, status=410)
    sending = Sending()
    assert "410 Gone: it wants no more; take it off --notify" in sending.tell()
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("said", "waited"),
    [
        ("7", [7]),
        ("0", [2]),
        (format_datetime(NOON + timedelta(seconds=9), usegmt=True), [9]),
        (format_datetime(NOON + timedelta(seconds=9)).replace("+", "-"), [9]),
        (format_datetime(NOON - timedelta(days=9), usegmt=True), [2]),
        ("soon", [2]),
        ("-5", [2]),
        ("1e9", [2]),
        ("9" * 5000, [2]),
        ("Mon, 99 Xyz 99999 99:99:99 GMT", [2]),
    ],
)
def test_retry_after_is_obeyed_where_it_makes_sense(
    said: str, waited: list[float]
) -> None:
    responses.post(URL, status=503, headers={"Retry-After": said})
    responses.post(URL, status=200)
    sending = Sending()
    assert (sending.tell(), sending.waited) == ("", waited)


@responses.activate
@pytest.mark.parametrize("said", ["3600", "999999999", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_retry_after_is_not_obeyed_for_ever(said: str) -> None:
    responses.post(URL, status=429, headers={"Retry-After": said})
    sending = Sending()
    assert "asks us to wait for" in sending.tell()
    assert sending.waited == []


# -- safety ------------------------------------------------------------------------


def test_a_private_address_is_told_only_if_that_is_allowed() -> None:
    with serving({"/in": body(b"")}) as server:
        sending = Sending()
        assert "not a public address" in sending.tell(f"{server.url}/in")
        assert (server.requests, sending.waited) == ([], [])


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(code: int) -> None:
    with serving({"/in": redirect("/there", code), "/there": body(b"")}) as server:
        sending = Sending(http=inside())
        assert "redirects a POST" in sending.tell(f"{server.url}/in")
        assert (server.requests, sending.waited) == (["POST /in"], [])


def test_an_answer_without_end_is_not_read() -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    with serving({"/in": endless}) as server:
        sending = Sending(http=inside())
        assert "larger than 65,536 bytes" in sending.tell(f"{server.url}/in")
        assert len(server.requests) == 1


def test_offline_nothing_is_sent() -> None:
    assert Sending(http=None).tell() == "no socket is opened when offline"


def test_what_is_sent_is_json_in_ascii() -> None:
    sent = notice(change(EVIL)).to_json()
    assert sent.isascii()
    assert json.loads(sent)["type"] == "audit.changed"
