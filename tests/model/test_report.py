from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.model.report import Report

from tests.formats.reports import finding, report, reports


def document_of(made: Report) -> Any:  # noqa: ANN401 - whatever JSON has
    return deepcopy(made.to_dict())


@given(reports())
def test_a_report_is_read_back_as_it_was_written(made: Report) -> None:
    assert Report.from_dict(document_of(made)).to_dict() == made.to_dict()


@given(reports())
def test_what_we_do_not_know_in_a_report_is_ignored(made: Report) -> None:
    document = document_of(made)
    parts = [document, document["subject"], document["verdict"], *document["findings"]]
    parts += document["verdict"]["kinds"].values()
    for part in parts:
        part["from the future"] = {"a": 1}
    assert Report.from_dict(document).to_dict() == made.to_dict()


def every_part(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """The way to each part of a document."""
    parts: Any = ()
    if isinstance(document, dict):
        parts = document.items()
    elif isinstance(document, list):
        parts = enumerate(document)
    below = [way for key, part in parts for way in every_part(part, (*path, key))]
    return [path, *below] if path else below


PARTS = every_part(report(finding()).to_dict())
NONSENSE: list[object] = [None, 5, -1, True, "x", "\ud800", [], [1], {}, {"a": 1}]


@pytest.mark.parametrize("path", PARTS, ids=lambda path: "/".join(map(str, path)))
def test_nonsense_in_a_report_is_refused_or_harmless(path: tuple[Any, ...]) -> None:
    for nonsense in NONSENSE:
        document = document_of(report(finding()))
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = nonsense
        try:
            Report.from_dict(document).to_dict()
        except (KeyError, ValueError, TypeError, AttributeError):
            continue


@pytest.mark.parametrize(
    ("path", "nonsense"),
    [
        (("findings", 0, "reason"), 5),
        (("findings", 0, "subject"), None),
        (("findings", 0, "stated_in", "line"), "41"),
        (("findings", 0, "stated_in", "line"), -1),
        (("findings", 0, "evidence", 0, "at"), "2026-01-31T12:00:00"),
        (("subject", "files"), "many"),
        (("subject", "digest"), {"sha256": None}),
        (("verdict", "level"), "perfect"),
        (("verdict", "kinds", "fixity", "refuted"), True),
        (("tool",), None),
        (("findings",), "none"),
    ],
)
def test_what_is_not_what_it_should_be_is_refused(
    path: tuple[Any, ...], nonsense: object
) -> None:
    document = document_of(report(finding()))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = nonsense
    with pytest.raises(ValueError, match=r"is no|has no"):
        Report.from_dict(document)


@pytest.mark.parametrize("key", ["subject", "verdict", "findings", "tool", "started"])
def test_a_report_that_lacks_something_is_refused(key: str) -> None:
    document = document_of(report(finding()))
    del document[key]
    with pytest.raises(KeyError, match=key):
        Report.from_dict(document)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_is_no_object_is_refused(document: Any) -> None:  # noqa: ANN401
    with pytest.raises((KeyError, ValueError, TypeError, AttributeError)):
        Report.from_dict(document)
