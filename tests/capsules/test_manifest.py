import json
from typing import Any

import pytest
from reverify.capsules.manifest import (
    manifest_of,
    read_manifest,
    schema,
    write_manifest,
)
from reverify.errors import ManifestError
from reverify.model.capsule import Role, Status

from tests.conftest import ROOT

LEAST: dict[str, Any] = {
    "schema_version": "1.0",
    "id": "6f1c2a8e-3b1d-4c55-9a51-0f6f8f3f7c21",
    "title": "Rain at three stations",
    "status": "completed",
    "created": "2026-01-31T12:00:00Z",
}
DIGEST, OTHER = "a" * 64, "b" * 64


def faults(**changes: object) -> str:
    with pytest.raises(ManifestError) as caught:
        manifest_of(LEAST | changes, "capsule.json")
    return str(caught.value)


def test_the_least_manifest_is_read() -> None:
    manifest = manifest_of(LEAST)
    assert manifest.id == LEAST["id"]
    assert manifest.title == "Rain at three stations"
    assert manifest.status is Status.COMPLETED
    assert list(manifest.files()) == []


def test_the_shipped_schema_is_the_published_one() -> None:
    published = (ROOT / "schemas" / "capsule-manifest.schema.json").read_bytes()
    assert schema() == json.loads(published)


def test_the_bytes_are_kept_as_they_were() -> None:
    data = b"\xef\xbb\xbf" + json.dumps(LEAST, indent=7).encode()
    assert read_manifest(data).data == data


def test_null_missing_and_empty_stay_apart() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"keywords": None},
        {"keywords": []},
        {"notes": ""},
    ]
    for change in changes:
        manifest = manifest_of(LEAST | change)
        again = read_manifest(write_manifest(manifest.document))
        assert again.document == LEAST | change


def test_files_are_told_with_role_and_place() -> None:
    manifest = manifest_of(
        LEAST
        | {
            "inputs": [{"path": "a.csv"}, {"url": "https://example.org/b.csv"}],
            "outputs": [{"path": "out/c.csv", "sha256": DIGEST, "size": 3}],
            "code": {"files": [{"path": "sum.py"}]},
            "environment": {"lock_file": {"path": "requirements.txt"}},
        }
    )
    assert [(f.role, f.pointer, f.path) for f in manifest.files()] == [
        (Role.INPUT, "/inputs/0", "a.csv"),
        (Role.INPUT, "/inputs/1", None),
        (Role.OUTPUT, "/outputs/0", "out/c.csv"),
        (Role.CODE, "/code/files/0", "sum.py"),
        (Role.LOCK, "/environment/lock_file", "requirements.txt"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"licence": "MIT"}, "'licence' is no key here; did you mean 'license'?"),
        ({"inputs": [{"path": []}]}, "/inputs/0/path (line 9): [] must be of type"),
        (
            {"inputs": [{"path": "a", "size": 2**63}]},
            "/inputs/0/size (line 10): 9223372036854775808 is greater than",
        ),
        ({"inputs": [{"path": 3}]}, "/inputs/0/path (line 9): 3 must be of type"),
        ({"license": "MITX"}, "/license (line 7): 'MITX' is no SPDX licence"),
        ({"created": "2026-01-31"}, "with its zone"),
        ({"created": "2026-13-31T12:00:00Z"}, "is no date-time"),
        ({"created": "2026-01-31T12:00:00"}, "with its zone"),
        ({"status": "done"}, 'is none of "draft", "running", "completed", "failed"'),
        ({"title": 7}, "/title (line 4): 7 must be of type string"),
        ({"inputs": [{}]}, "/inputs/0 (line 8): a path or a url must be there"),
        ({"inputs": [{"path": "../x"}]}, "climbs out with '..'; write it relative"),
        ({"inputs": [{"path": "/etc/x"}]}, "it is absolute"),
        ({"inputs": [{"path": "a/"}]}, "may not be used as a path"),
        ({"inputs": [{"path": "a\0b"}]}, "NUL"),
        ({"inputs": [{"path": "a" * 300}]}, "longer than 255 bytes"),
        ({"inputs": [{"url": "file:///etc/x"}]}, "write an http or https URL"),
        ({"inputs": [{"path": "a", "sha256": "A" * 64}]}, "64 lower-case hexadecimal"),
        ({"inputs": [{"path": "a", "sha256": DIGEST + "\n"}]}, "has not the form"),
        ({"inputs": [{"path": "RO-Crate-Metadata.json"}]}, "the crate itself needs"),
        ({"inputs": [{"path": "a"}, {"path": "a/b"}]}, "a file and a folder at once"),
        ({"outputs": [{"path": "a", "compare": {"method": "byte"}}]}, "is none of"),
        ({"code": {"git_commit": "abc1234"}}, "write the whole id in lower case"),
        ({"authors": [{"name": "Ada", "orcid": "0000-0001"}]}, "/authors/0/orcid"),
        ({"run": {"environment": {"A=B": "c"}}}, "/run/environment"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "nil UUID"),
        ({"schema_version": "2.0"}, "must be '1.0'"),
        ({"completed": "yesterday"}, "/completed (line 7): 'yesterday' has not the"),
        ({"run": {"started": "2026-13-31T12:00:00Z"}}, "is no date-time"),
        (
            {"code": {"language": {"name": "", "home": "x"}}},
            "/code/language (line 8): 'home' is no key here",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place_and_what_to_do(
    change: dict[str, Any], said: str
) -> None:
    assert said in faults(**change)


def test_one_path_has_one_content() -> None:
    said = faults(
        inputs=[{"path": "a", "sha256": DIGEST}],
        outputs=[{"path": "a", "sha256": OTHER}],
    )
    assert "/outputs/0/sha256" in said
    assert "under another name" in said


def test_all_faults_are_told_at_once() -> None:
    said = faults(title="", inputs=[{}], status="x")
    assert said.count("capsule.json: ") == 3


def test_each_fault_is_told_once() -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(b"{}", "capsule.json")
    said = str(caught.value)
    assert said.count("must be there") == 1
    assert "schema_version, id, title, status, created must be there" in said
    assert faults(completed="yesterday").count("capsule.json: ") == 1


def test_all_that_is_wrong_with_what_may_be_null_is_told() -> None:
    said = faults(code={"language": {"name": 7, "version": 3}})
    assert "/code/language/name" in said
    assert "/code/language/version" in said


def test_thousands_of_faults_are_counted() -> None:
    assert "and 80 more faults" in faults(inputs=[{}] * 100)
    assert "and at least 980 more faults" in faults(inputs=[{}] * 2000)


@pytest.mark.parametrize(
    "pattern", ["(", "(" * 5000 + ")" * 5000, "a{" + "9" * 20 + "}"]
)
def test_a_pattern_that_cannot_be_used_is_told(pattern: str) -> None:
    compare = {"method": "text", "ignore_patterns": [pattern]}
    said = faults(outputs=[{"path": "a", "compare": compare}])
    assert "/outputs/0/compare/ignore_patterns/0" in said
    assert "is no regex" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[", "is no JSON, line 1, column 2"),
        (b"[]", "a manifest is a JSON object"),
        (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
        (b'{"a": NaN}', "holds NaN"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number of 5,000 digits"),
        (b"\xff\xfe{\0}\0", "is not UTF-8 text from byte 0 on"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested more than 64 deep"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
    ],
)
def test_what_is_no_json_is_told(data: bytes, said: str) -> None:
    with pytest.raises(ManifestError, match=r"capsule\.json") as caught:
        read_manifest(data, "capsule.json")
    assert said in str(caught.value)


def test_what_json_cannot_hold_makes_no_manifest() -> None:
    assert "is no JSON" in faults(extra={"at": object()})
