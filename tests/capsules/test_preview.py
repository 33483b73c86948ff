"""The page for people: valid, complete in itself, deaf to what the manifest holds."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reverify.capsules.manifest import manifest_of
from reverify.capsules.mapping import CodeFacts, Measured
from reverify.capsules.preview import Described, preview
from reverify.model.capsule import Manifest

from tests.capsules.exports import ID, capsule_of, full, sha256

COMMIT, TREE = "a" * 40, "b" * 40
REVISION = f"swh:1:rev:{COMMIT}"
HOSTILE = (
    "</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\"' onmouseover='alert(1)' {{ 7*7 }} {% raw %} <!-- ]]> &lt; \x1b[31m \x00 \u202e"
    " javascript:alert(1) \ufffe \ud7ff \U0001f469\u200d\U0001f52c"
)
Json = dict[str, Any]


def page(manifest: Manifest, **changes: Any) -> bytes:  # noqa: ANN401 - see Described
    described: Json = {
        "ro_crate": "1.2",
        "files": {},
        "code": None,
        "swhids": (),
        "manifest_path": "capsule.json",
        "has_citation": True,
        "document": {},
    }
    return preview(manifest, Described(**(described | changes)))


def parse(data: bytes) -> Element:
    """Parse HTML, and fail at the first thing that HTML 5 does not allow."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    found: Element = parser.parse(data.decode("utf-8"))
    return found


@cache
def full_page() -> bytes:
    return page(
        manifest_of(full(COMMIT, TREE)),
        code=CodeFacts(commit=COMMIT, tree=TREE),
        swhids=(REVISION,),
        files={"out/total.txt": Measured(1234567, sha256(b"measured"))},
    )


def text_of(data: bytes) -> str:
    return " ".join(" ".join(parse(data).itertext()).split())


def links(root: Element) -> Iterator[str]:
    for element in root.iter():
        for name, value in element.attrib.items():
            if name in {
                "href",
                "src",
                "action",
                "data",
                "poster",
                "srcset",
                "xlink:href",
            }:
                yield value


@pytest.mark.parametrize("ro_crate", ["1.1", "1.2", "1.3"])
def test_the_page_is_valid_html_5(ro_crate: str) -> None:
    for manifest in (manifest_of(full()), capsule_of({}), manifest_of(full(COMMIT))):
        root = parse(page(manifest, ro_crate=ro_crate))
        assert root.find("head/meta").attrib == {"charset": "utf-8"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "expected",
    [
        "Rain at three stations",
        "Summed over all stations.",
        f"urn:uuid:{ID}",
        "Ada Example ( Institute of Rain )",
        "CC-BY-4.0",
        "rain, weather",
        "On rain",
        "python src/sum.py --title 'all of it'",
        'title "all of it"',
        "limit 3",
        "LC_ALL C",
        "2026-01-31T12:00:05Z",
        "Exit status 0",
        "data/rain.csv The rain.",
        "1,234,567",
        sha256(b"measured"),
        COMMIT,
        TREE,
        REVISION,
        "read in git when this crate was written, and the files of code were found",
        "CPython 3.11.7",
        "numpy 2.1.0",
        "Linux, x86_64",
        "Measured by hand.",
        "Ada Example (2026). Rain at three stations. Institute of Rain. urn:uuid:",
        "reverify check",
    ],
)
def test_the_page_shows(expected: str) -> None:
    assert expected in text_of(full_page())


@pytest.mark.parametrize(
    ("files", "caption"),
    [
        ({"a": b""}, "1 file of the capsule, as it was when this crate was written"),
        ({"a": b"", "b": b""}, "2 files of the capsule, as they were when this crate"),
    ],
)
def test_files_are_counted_in_words(files: dict[str, bytes], caption: str) -> None:
    assert caption in text_of(page(capsule_of(files)))


def test_what_was_not_measured_is_not_said_to_be() -> None:
    inputs = [{"url": "https://data.example.org/x.csv", "size": 3}]
    shown = text_of(page(capsule_of({"a": b""}, inputs=inputs)))
    assert "; of what is not in it, what the manifest states" in shown
    assert "of what is not in it" not in text_of(page(capsule_of({"a": b""})))


def test_what_is_not_said_has_no_heading() -> None:
    shown = text_of(page(capsule_of({})))
    for word in ("Authors", "The run", "Code", "Environment", "Notes", "Licence"):
        assert word not in shown
    assert "The capsule has no files." in shown


def test_null_missing_and_zero_are_told_apart() -> None:
    shown = text_of(page(capsule_of({}, run={"exit_status": 0})))
    assert "Exit status 0" in shown
    for run in ({"exit_status": None, "error": "e"}, {"error": "e"}):
        assert "Exit status" not in text_of(page(capsule_of({}, run=run)))


def test_a_variable_that_was_not_set_says_so() -> None:
    run = {"environment": {"HOME": None, "LANG": ""}}
    assert "HOME not set LANG" in text_of(page(capsule_of({}, run=run)))


def test_files_of_a_dirty_work_tree_are_not_said_to_be_those_of_the_commit() -> None:
    document = full(COMMIT, TREE)
    document["code"]["dirty"] = True
    facts = CodeFacts(commit=COMMIT, tree=TREE)
    shown = text_of(page(manifest_of(document), code=facts))
    assert "Commit and tree were read in git when this crate was written." in shown
    assert "held changes that are in no commit" in shown


def test_the_page_needs_nothing_from_anywhere() -> None:
    root = parse(full_page())
    for tag in ("script", "img", "link", "iframe", "object", "embed", "base", "form"):
        assert root.findall(f".//{tag}") == []
    assert not re.search(rb"url\(|@import|expression\(", full_page())


def test_the_policy_lets_only_its_own_style_through() -> None:
    root = parse(full_page())
    style = root.find("head/style")
    assert style is not None
    assert style.text is not None
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    (policy,) = (
        meta.attrib["content"]
        for meta in root.iter("meta")
        if meta.attrib.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not any("style" in element.attrib for element in root.iter())


def test_it_reads_on_a_phone_and_on_paper() -> None:
    assert b'name="viewport"' in full_page()
    assert b"@media (max-width" in full_page()
    assert b"@media print" in full_page()


def test_the_page_is_the_same_each_time() -> None:
    manifest = manifest_of(full())
    assert page(manifest) == page(manifest)


def test_links_to_files_stay_in_the_crate() -> None:
    paths = ["javascript:alert(1)", "//host/x"[2:], "a b#c?d%41.txt", "ü/\u202e.txt"]
    root = parse(page(capsule_of(dict.fromkeys(paths, b""))))
    found = [link for link in links(root) if not link.startswith("http")]
    assert found[: len(paths)] == [
        "./javascript%3Aalert%281%29",
        "./host/x",
        "./a%20b%23c%3Fd%2541.txt",
        "./%C3%BC/%E2%80%AE.txt",
    ]
    assert all(link.startswith("./") for link in found)


def test_only_web_addresses_become_links() -> None:
    code = {"repository": "javascript:alert(1)"}
    manifest = capsule_of({}, code=code, related=[{"id": "http://[bad/"}])
    assert [link for link in links(parse(page(manifest))) if "alert" in link] == []
    assert "http://[bad/" in text_of(page(manifest))


def test_1_1_holds_the_metadata_document_and_1_2_does_not() -> None:
    document = {"@graph": [{"name": HOSTILE + "\u2028"}]}
    root = parse(page(capsule_of({}), ro_crate="1.1", document=document))
    (script,) = root.findall(".//script")
    assert script.attrib == {"type": "application/ld+json"}
    assert json.loads(script.text or "") == document
    assert not re.search("[<>&]", script.text or "")
    assert parse(page(capsule_of({}), document=document)).findall(".//script") == []


def hostile(value: object) -> object:
    """Every text of a manifest that may be any text, made hostile."""
    if isinstance(value, dict):
        fixed = {"id", "schema_version", "status", "created", "completed", "license"}
        fixed |= {
            "orcid",
            "ror",
            "email",
            "sha256",
            "media_type",
            "relation",
            "started",
        }
        fixed |= {"ended", "purl", "git_commit", "git_tree_hash", "swh_origin_url"}
        fixed |= {"path", "url", "size", "exit_status", "kind"}
        return {
            key: item if key in fixed else hostile(item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def test_hostile_text_is_inert_wherever_it_stands() -> None:
    document = hostile(full(COMMIT, TREE))
    assert isinstance(document, dict)
    document["run"]["parameters"] = {HOSTILE: [HOSTILE]}
    document["run"]["environment"] = {
        HOSTILE.replace("=", "").replace("\0", ""): HOSTILE
    }
    document["run"]["working_directory"] = HOSTILE
    document["run"]["error"] = HOSTILE
    document["inputs"][0] |= {
        "name": HOSTILE,
        "path": HOSTILE.replace("\0", "").replace("</", "< "),
    }
    document["environment"]["container"] = {"name": HOSTILE, "tag": HOSTILE}
    manifest = manifest_of(document)
    data = page(manifest, swhids=(HOSTILE,), manifest_path="capsule-1.json")
    root = parse(data)
    tags = {element.tag for element in root.iter()}
    assert tags <= {element.tag for element in parse(full_page()).iter()} | {"br"}
    names = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in names if name.startswith("on")]
    assert all(link.startswith(("./", "https://", "http://")) for link in links(root))
    shown = data.decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ufffe]", shown)
    assert "49" not in "".join(root.find(".//h1").itertext())  # type: ignore[union-attr]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=60, deadline=None)
@given(title=TEXT, description=TEXT, name=TEXT, notes=TEXT)
def test_any_text_makes_a_valid_page(
    title: str, description: str, name: str, notes: str
) -> None:
    manifest = capsule_of(
        {},
        title=title,
        description=description,
        authors=[{"name": name}],
        notes=notes,
        run={"command": [name, notes], "error": description},
    )
    parse(page(manifest))
