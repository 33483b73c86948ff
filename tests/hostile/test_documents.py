"""The whole program on metadata documents that are not what they should be."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    CONTEXT,
    METADATA,
    document,
    encode,
    file_entity,
    write,
)
from tests.hostile.harness import Room, Run, canary, listener

GOOD = b"good"
FILES = {"good.txt": GOOD}


def text_of(*entities: Any, **changes: Any) -> bytes:  # noqa: ANN401 - any JSON
    return encode(document(FILES, *entities, **changes))


def graph_of(*values: Any) -> bytes:  # noqa: ANN401 - any JSON
    """A document with some odd values in its graph."""
    whole = document(FILES)
    whole["@graph"] += values
    return encode(whole)


def with_entity(**properties: object) -> bytes:
    return text_of({"@id": "#odd", "@type": "Thing", "name": "odd"} | properties)


def check(room: Room, folder: Path, data: bytes, **options: Any) -> Run:  # noqa: ANN401
    crate = write(folder / "crate", {**FILES, METADATA: data})
    return room.check(crate, conformance=True, **options)


WHOLE = text_of()
INTEGER = b"9" * 200_000
BROKEN: dict[str, tuple[bytes, str]] = {
    "duplicate keys": (
        WHOLE.replace(b'"@graph"', b'"@context": 1, "@graph"'),
        "duplicate-key",
    ),
    "duplicate keys, one escaped": (
        WHOLE.replace(b'"name": "A test"', b'"name": "x", "n\\u0061me": "A test"'),
        "duplicate-key",
    ),
    "NaN": (WHOLE.replace(b'"A test"', b"NaN"), "json-invalid"),
    "Infinity": (WHOLE.replace(b'"A test"', b"-Infinity"), "json-invalid"),
    "a very long integer": (WHOLE.replace(b'"A test"', INTEGER), "json-invalid"),
    "200,000 nested arrays": (b"[" * 200_000, "json-invalid"),
    "200,000 nested objects": (b'{"a":' * 200_000, "json-invalid"),
    "900 levels": (
        WHOLE.replace(b'"A test"', b"[" * 900 + b"]" * 900),
        "json-invalid",
    ),
    "UTF-16": (WHOLE.decode().encode("utf-16"), "json-invalid"),
    "UTF-32": (WHOLE.decode().encode("utf-32"), "json-invalid"),
    "UTF-16 without a mark": (WHOLE.decode().encode("utf-16-le"), "json-invalid"),
    "Latin-1": (WHOLE.replace(b"A test", b"\xe4 test"), "json-invalid"),
    "cut short": (WHOLE[:-50], "json-invalid"),
    "something behind": (WHOLE + b"{}", "json-invalid"),
    "empty": (b"", "json-invalid"),
    "only a mark": (b"\xef\xbb\xbf", "json-invalid"),
    "an array": (b"[]", "not-a-graph"),
    "a number": (b"42", "not-a-graph"),
    "null": (b"null", "not-a-graph"),
    "text": (b'"text"', "not-a-graph"),
    "an empty object": (b"{}", "not-a-graph"),
    "a graph that is null": (b'{"@graph": null}', "not-a-graph"),
    "a graph that is an object": (b'{"@graph": {}}', "not-a-graph"),
    "a graph that is text": (b'{"@graph": "x"}', "not-a-graph"),
    "an entity that is null": (graph_of(None), "not-an-entity"),
    "an entity that is text": (graph_of("x"), "not-an-entity"),
    "an entity that is an array": (graph_of([[]]), "not-an-entity"),
    "an entity without an id": (graph_of({"@type": "File"}), "not-an-entity"),
    "an id that is a number": (graph_of({"@id": 7}), "not-an-entity"),
    "an id that is an array": (graph_of({"@id": ["x"]}), "not-an-entity"),
    "an id that is an object": (graph_of({"@id": {"@id": "x"}}), "not-an-entity"),
    "half a surrogate pair in an id": (graph_of({"@id": "\ud800"}), "not-an-entity"),
    "an id twice": (graph_of(file_entity("good.txt", GOOD)), "duplicate-id"),
}


@pytest.mark.parametrize(("data", "slug"), BROKEN.values(), ids=BROKEN)
def test_a_broken_document_is_refuted_by_name(
    room: Room, tmp_path: Path, data: bytes, slug: str
) -> None:
    run = check(room, tmp_path, data)
    assert run.code == 1
    assert f"conformance/{slug}" in run.rules("refuted")


@pytest.mark.slow
@pytest.mark.parametrize(("data", "slug"), BROKEN.values(), ids=BROKEN)
def test_a_broken_document_alone_is_refuted_by_name(
    room: Room, tmp_path: Path, data: bytes, slug: str
) -> None:
    (tmp_path / "x.json").write_bytes(data)
    run = room.check(tmp_path / "x.json", conformance=True)
    assert run.code == 1
    assert f"conformance/{slug}" in run.rules("refuted")


ODD = {
    "a type that is an array of numbers": with_entity(**{"@type": [3]}),
    "a type that is a number": with_entity(**{"@type": 3}),
    "a type that is an object": with_entity(**{"@type": {"@id": "File"}}),
    "no type": graph_of({"@id": "#odd"}),
    "parts of all sorts": text_of(hasPart=[1, {"@id": {}}, None, [], "x", {"@id": 7}]),
    "parts that are a number": text_of(hasPart=7),
    "a digest that is an array": text_of(
        file_entity("b.txt", b"") | {"sha256": [1, None, {}, ["x"]]}
    ),
    "a digest that is an object": text_of(
        file_entity("b.txt", b"") | {"sha256": {"@value": "x"}}
    ),
    "a size that is of all sorts": text_of(
        file_entity("b.txt", b"") | {"contentSize": [None, True, -1, 1.5, {}, "x"]}
    ),
    "a size of many digits": text_of(
        file_entity("b.txt", b"") | {"contentSize": int("9" * 3999)}
    ),
    "an infinite number": with_entity(value=0).replace(
        b'"value": 0', b'"value": 1e999'
    ),
    "a minus infinite number": with_entity(value=0).replace(
        b'"value": 0', b'"value": -1e99999'
    ),
    "half a surrogate pair in text": with_entity(description="a \ud800 b"),
    "a NUL in text": with_entity(description="a \0 b"),
    "a descriptor that is about all sorts": encode(
        document(FILES) | {"about": [1, None, {"@id": 3}]}
    ),
    "a root that conforms to all sorts": text_of(conformsTo=[1, None, {"@id": 3}, []]),
    "a name that is an object": text_of(name={"@id": {}}),
    "a date that is an array": text_of(datePublished=[1, {}, None]),
    "an identifier of all sorts": text_of(identifier=[1, {}, None, [], "sha256:x"]),
    "dates of all sorts": with_entity(startTime=[{}], endTime=7, **{"@type": "Action"}),
    "strange keys": with_entity(**{"": 1, "\0": 2, "\ud800": 3, "@odd": 4, "a/~b": 5}),
    "a URL with a bad port": text_of({"@id": "http://x:y/", "@type": "File"}),
    "a URL with bad brackets": text_of({"@id": "http://[::1/", "@type": "File"}),
    "an IRI with blanks": text_of({"@id": 'http://x/a b<>"{}|\\^`', "@type": "File"}),
    "an IRI with a line end": text_of({"@id": "http://x/a\r\nb: c", "@type": "File"}),
    "an id of a megabyte": text_of({"@id": "x" * 1_000_000, "@type": "Thing"}),
    "a text of ten megabytes": with_entity(description="x" * 10_000_000),
    "an id that is empty": text_of({"@id": "", "@type": "File"}),
    "an id that is a fragment": text_of({"@id": "#", "@type": "File"}),
    "escape sequences": text_of(
        {"@id": "\x1b]0;x\x07\x9b2J\u202e", "@type": "File"}, name="\x1b[2J\r\n::error"
    ),
    "a root that is its own part": text_of(hasPart=[{"@id": "./"}]),
    "a nested entity": with_entity(author={"@id": "#a", "name": "A", "knows": {}}),
    "no root": encode({"@context": CONTEXT, "@graph": [{"@id": "x", "@type": "y"}]}),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_an_odd_value_never_stops_the_check_of_the_rest(
    room: Room, tmp_path: Path, data: bytes
) -> None:
    crate = write(tmp_path / "crate", {**FILES, METADATA: data})
    run = room.check(crate)
    if b"good.txt" in data:
        assert "fixity/digest-match" in run.rules("confirmed")


@pytest.mark.slow
@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_an_odd_value_never_stops_the_profile_engine(
    room: Room, tmp_path: Path, data: bytes
) -> None:
    check(room, tmp_path, data, seconds=60)


@pytest.mark.parametrize("data", ODD.values(), ids=ODD)
def test_an_odd_value_is_safe_to_print(room: Room, tmp_path: Path, data: bytes) -> None:
    crate = write(tmp_path / "crate", {**FILES, METADATA: data})
    room.check(crate, "-vv", json=False)


@pytest.mark.parametrize("format", ["markdown", "junit", "sarif"])
def test_escape_sequences_reach_no_format(
    room: Room, tmp_path: Path, format: str
) -> None:
    data = ODD["escape sequences"]
    crate = write(tmp_path / "crate", {**FILES, METADATA: data})
    room.check(crate, "--format", format, json=False)


# -- much --------------------------------------------------------------------------


def parts(*ids: str) -> list[dict[str, str]]:
    return [{"@id": id} for id in ids]


def test_parts_that_hold_each_other_end(room: Room, tmp_path: Path) -> None:
    folders = [
        {"@id": "a/", "@type": "Dataset", "hasPart": parts("b/", "a/")},
        {"@id": "b/", "@type": "Dataset", "hasPart": parts("a/", "./")},
    ]
    data = text_of(*folders, hasPart=parts("a/", "good.txt"))
    write(tmp_path / "crate", {"a/x": b"", "b/x": b""})
    run = check(room, tmp_path, data)
    assert "fixity/digest-match" in run.rules("confirmed")


def chain(length: int) -> bytes:
    links = [
        {"@id": f"#{n}", "@type": "Dataset", "hasPart": {"@id": f"#{n + 1}"}}
        for n in range(length)
    ]
    return text_of(*links, hasPart=parts("#0", "good.txt"))


def test_a_chain_of_50_000_parts_is_walked(room: Room, tmp_path: Path) -> None:
    run = check(room, tmp_path, chain(50_000), seconds=60)
    assert "conformance/engine-failed" in run.rules("undetermined")
    assert "fixity/digest-match" in run.rules("confirmed")


@pytest.mark.long
@pytest.mark.slow
def test_a_million_entities_are_read(room: Room, tmp_path: Path) -> None:
    tiny = ",".join(f'{{"@id":"#{n}","@type":"X"}}' for n in range(1_000_000))
    data = WHOLE[:-2] + b"," + tiny.encode() + b"]}"
    crate = write(tmp_path / "crate", {**FILES, METADATA: data})
    run = room.check(crate, conformance=True, seconds=180)
    assert "fixity/digest-match" in run.rules("confirmed")
    assert run.rss < 3 << 30


@pytest.mark.parametrize("value", [b"{},", b"[],"])
def test_millions_of_empty_values_are_not_held(
    room: Room, tmp_path: Path, value: bytes
) -> None:
    data = b'{"@graph":[' + value * 20_000_000 + b"0]}"
    crate = write(tmp_path / "crate", {METADATA: data})
    run = room.check(crate, conformance=True, rss=500 << 20)
    assert run.code == 3
    assert run.rss < 500 << 20


def test_millions_of_duplicate_keys_take_linear_time(
    room: Room, tmp_path: Path
) -> None:
    data = b'{"@graph":[' + b'{"a":1,"a":[[[[2]]]]},' * 200_000 + b"0]}"
    crate = write(tmp_path / "crate", {METADATA: data})
    assert room.check(crate, rss=400 << 20).code in {0, 1, 3}


# -- contexts ----------------------------------------------------------------------

REFUSED = {
    "a file URL": "file://{outside}",
    "an absolute path": "{outside}",
    "a path that climbs out": "../outside/context.json",
    "a sibling": "good.txt",
    "an import": {"@import": "{outside}"},
    "a base": {"@base": "file://{outside}"},
    "a base elsewhere": {"@base": "urn:uuid:5b1e"},
    "a propagation": {"@propagate": False},
    "a scoped context": {"x": {"@id": "http://x/", "@context": "{outside}"}},
    "a list in a list in a list in a list": [[[["{outside}"]]]],
    "a number": 7,
    "an array of numbers": [7],
    "another scheme": "ftp://127.0.0.1/context",
}


@pytest.mark.parametrize("context", REFUSED.values(), ids=REFUSED)
def test_a_context_that_names_a_file_is_not_opened(
    room: Room, tmp_path: Path, context: object
) -> None:
    outside = tmp_path / "outside" / "context.json"
    write(tmp_path / "outside", {"context.json": b'{"@context": {"x": "http://x/"}}'})
    text = json.dumps([CONTEXT, context]).replace("{outside}", str(outside))
    data = encode(document(FILES) | {"@context": json.loads(text)})
    with canary(outside) as bird:
        run = check(room, tmp_path, data)
        assert not bird.sang()
    assert run.code in {1, 3}
    assert run.troubles & {
        "conformance/context-refused",
        "conformance/context-unknown",
    }


@pytest.mark.parametrize(
    "shape", ["{url}", '{"@import": "{url}"}', '{"x": {"@context": "{url}"}}']
)
def test_a_context_on_the_web_is_not_fetched(
    room: Room, tmp_path: Path, shape: str
) -> None:
    with listener() as (url, heard):
        room.environment |= {"http_proxy": url, "https_proxy": url, "ALL_PROXY": url}
        text = shape.replace("{url}", f"{url}/context")
        context = json.loads(text) if text.startswith("{") else text
        data = encode(document(FILES) | {"@context": [CONTEXT, context]})
        run = check(room, tmp_path, data)
        assert not heard
    assert run.code in {1, 3}


def test_offline_no_entity_on_the_web_is_asked_for(room: Room, tmp_path: Path) -> None:
    with listener() as (url, heard):
        room.environment |= {"http_proxy": url, "https_proxy": url, "ALL_PROXY": url}
        there = {"@id": f"{url}/x", "@type": "File", "name": "x", "url": f"{url}/y"}
        data = text_of(there, hasPart=parts(f"{url}/x", "good.txt"))
        run = check(room, tmp_path, data)
        assert not heard
    assert "completeness/web-untested" in run.rules("untested")


@pytest.mark.slow
@pytest.mark.parametrize(
    "term", ["File", "hasPart", "about", "conformsTo", "sha256", "contentSize"]
)
@pytest.mark.parametrize("meaning", [None, "http://example.org/other"])
def test_a_context_that_changes_what_we_depend_on_is_refuted(
    room: Room, tmp_path: Path, term: str, meaning: str | None
) -> None:
    context = [CONTEXT, {term: meaning}]
    crate = write(
        tmp_path / "crate",
        {**FILES, METADATA: encode(document(FILES) | {"@context": context})},
    )
    run = room.check(crate, conformance=True, seconds=60)
    assert run.code == 1
    assert "conformance/context-redefines-term" in run.rules("refuted")


def test_a_plain_term_map_is_fine(room: Room, tmp_path: Path) -> None:
    context = [CONTEXT, {"mine": "http://example.org/mine"}]
    data = encode(document(FILES) | {"@context": context})
    assert check(room, tmp_path, data).code == 0
