"""Line and column of every value, and keys that stand twice."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.crates.positions import Positions, escape

TEXT = """{
  "a": [1, {"b/c": "x"},
    [true, null]],
  "d~e": {"f": "\\"{[,:", "g": {}},
  "h": []
}"""


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", (1, 1)),
        ("/a", (2, 3)),
        ("/a/0", (2, 9)),
        ("/a/1", (2, 12)),
        ("/a/1/b~1c", (2, 13)),
        ("/a/2", (3, 5)),
        ("/a/2/1", (3, 12)),
        ("/d~0e", (4, 3)),
        ("/d~0e/f", (4, 11)),
        ("/d~0e/g", (4, 26)),
        ("/h", (5, 3)),
    ],
)
def test_a_pointer_leads_to_line_and_column(
    pointer: str, place: tuple[int, int]
) -> None:
    assert Positions(TEXT)(pointer) == place


@pytest.mark.parametrize("pointer", ["/nowhere", "/a/7", "/h/0", "/a/0/deeper"])
def test_a_pointer_to_nowhere_leads_to_what_is_nearest(pointer: str) -> None:
    parent = pointer.rpartition("/")[0]
    assert Positions(TEXT)(pointer) == Positions(TEXT)(parent)


def test_columns_are_counted_in_characters() -> None:
    assert Positions('{"ü☂": 1, "b": 2}')("/b") == (1, 11)


def test_blanks_around_do_not_matter() -> None:
    assert Positions(' \n\t{"a" : 1}')("/a") == (2, 3)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1, "b": 2}', []),
        ('{"a": 1, "a": 2}', [("", "a")]),
        ('{"a": 1, "\\u0061": 2}', [("", "a")]),
        ('{"x": [{"a": 1}, {"a": 1, "a": 2}]}', [("/x/1", "a")]),
        ('{"a/b": {"c": {}, "c": []}}', [("/a~1b", "c")]),
        ('{"a": {"a": {"a": 1}}}', []),
        ('[{"a": [1, 2, {"b": 1, "b": 2}]}]', [("/0/a/2", "b")]),
        ('{"a": 1, "a": 2, "a": 3}', [("", "a"), ("", "a")]),
        ('{"a": ":", "b": "{", "c": ","}', []),
    ],
)
def test_keys_that_stand_twice_are_found(
    text: str, found: list[tuple[str, str]]
) -> None:
    json.loads(text)
    assert Positions(text).duplicate_keys(10) == found


def test_no_more_twin_keys_are_sought_than_asked_for() -> None:
    text = "[" + ",".join(['{"a": 1, "a": 2}'] * 50) + "]"
    assert len(Positions(text).duplicate_keys(7)) == 7


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=12,
)


def pointers(value: object, pointer: str = "") -> list[tuple[str, object]]:
    found = [(pointer, value)]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += pointers(inner, f"{pointer}/{escape(key)}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += pointers(inner, f"{pointer}/{index}")
    return found


@given(VALUES, st.sampled_from([None, 1]))
def test_every_pointer_leads_to_its_value(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=indent is None)
    lines = text.split("\n")
    positions = Positions(text)
    for pointer, expected in pointers(value):
        place = positions(pointer)
        assert place is not None
        rest = "\n".join([lines[place[0] - 1][place[1] - 1 :], *lines[place[0] :]])
        decoder = json.JSONDecoder(strict=False)
        found, end = decoder.raw_decode(rest)
        last = pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        if found == last and rest[end:].lstrip().startswith(":"):
            found, _ = decoder.raw_decode(rest[end:].lstrip()[1:].lstrip())
        assert found == expected


@given(VALUES)
def test_no_key_of_an_honest_document_stands_twice(value: object) -> None:
    assert Positions(json.dumps(value)).duplicate_keys(10) == []
