"""Runs, drifts and notices for the tests of telling."""

from typing import Any

from reverify.audits.telling.notice import Notice, notice_of
from reverify.model.audit import Change, Drift, Noted, Run, Summary

COLLECTION = "0a" * 32
WELL = (5, "2026-01-29T03:00:00Z")
EVIL = "a\x1b[2J\nBcc: x@evil.example\r\n\u202e\udc80::error::\u2028b"
"""What a crate may say, to a terminal, a mail, a log or an encoder."""


def summary(**changed: Any) -> Summary:  # noqa: ANN401 - a field of it
    made = Summary(
        stopped=False,
        crates={"confirmed": 10, "refuted": 1, "undetermined": 2, "untested": 0},
        levels={"intact": 10, "": 3},
        kinds={
            "fixity": {"confirmed": 11, "refuted": 1, "undetermined": 1},
            "completeness": {"confirmed": 13},
        },
        readings={"full": 4, "quick": 9},
        reasons={"due": 3, "changed": 1, "unchanged": 9},
        left={},
        read_bytes=123_456_789,
        seconds=70.5,
    )
    return made._replace(**changed)


def run(number: int = 7, **changed: Any) -> Run:  # noqa: ANN401 - a field of it
    made = Run(
        number=number,
        collection=COLLECTION,
        roots=("/srv/crates",),
        tool="1.0",
        started="2026-01-31T03:00:00Z",
        finished="2026-01-31T03:30:30Z",
        before="0b" * 32,
        seal="0c" * 32,
        summary=summary(),
    )
    return made._replace(**changed)


def change(
    crate: str = "/srv/crates/a",
    reason: str = "data.csv: the sha256 differs",
    last: tuple[int, str] | None = WELL,
    subject: str = "data.csv",
) -> Change:
    noted = Noted(
        "0123456789abcdef",
        "fixity/digest-mismatch",
        "refuted",
        "error",
        subject,
        reason,
    )
    return Change(crate, noted, last)


def notice(*broke: Change, name: str = "") -> Notice:
    made = notice_of(run(), Drift(broke=broke or (change(),)), name)
    assert made is not None
    return made
