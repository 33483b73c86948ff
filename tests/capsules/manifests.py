"""Manifests for tests: a full one, and any that the schema lets through.

`FULL` says everything that a manifest can say, without a null. `manifests()` is a
hypothesis strategy: odd but legal paths, any Unicode, null and empty values, 0 to 200
files, any order of keys and lists.
"""

import copy
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from reverify.capsules.manifest import manifest_of, schema
from reverify.capsules.mapping import Measured, crate_document
from reverify.errors import ManifestError
from reverify.model.capsule import Manifest

Json = dict[str, Any]

CONTENT: Mapping[str, bytes] = {
    "data/rain.csv": b"station,mm\na,1\n",
    "out/means.csv": b"station,mm\na,1.0\n",
    "out/plot of rain.png": b"not really an image",
    "src/means.py": b"print('means')\n",
    "src/other.py": b"",
    "requirements.lock": b"numpy==1.26.4\n",
    "README.md": b"# Rain\n",
    "doc/notes.txt": b"A wet day.\n",
}
"""The files of `FULL`, by their path."""


def _kept(path: str, media_type: str, **more: object) -> Json:
    data = CONTENT[path]
    return {
        "path": path,
        "media_type": media_type,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **more,
    }


_INSTITUTE = {
    "name": "Institute of Weather",
    "ror": "https://ror.org/03f0f6041",
    "url": "https://weather.example.org/",
    "email": "info@weather.example.org",
}

FULL: Json = {
    "schema_version": "1.0",
    "id": "6f1c2a8e-3b1d-4c55-9a51-0f6f8f3f7c21",
    "title": "Rain at three stations",
    "description": "Means of the rain of three stations by month.",
    "status": "completed",
    "created": "2026-01-31T12:00:00Z",
    "completed": "2026-01-31T12:10:00Z",
    "license": "CC-BY-4.0",
    "authors": [
        {
            "name": "Ada Example",
            "orcid": "https://orcid.org/0000-0001-2345-6789",
            "email": "ada@example.org",
            "affiliations": [_INSTITUTE],
        },
        {
            "name": "Béla Példa",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
            "affiliations": [_INSTITUTE],
        },
    ],
    "publisher": _INSTITUTE,
    "keywords": ["rain", "means"],
    "related": [
        {
            "id": "https://doi.org/10.5555/12345678",
            "title": "On rain",
            "relation": "citation",
        },
        {
            "id": "https://example.org/rain/2025",
            "title": "Rain of last year",
            "relation": "isBasedOn",
        },
    ],
    "inputs": [
        _kept("data/rain.csv", "text/csv", name="Rain", description="Rain by day."),
        {
            "url": "https://example.org/stations.csv",
            "name": "Stations",
            "description": "Where the stations are.",
            "media_type": "text/csv",
            "size": 11,
            "sha256": "ab" * 32,
        },
    ],
    "outputs": [
        _kept(
            "out/means.csv",
            "text/csv",
            url="https://example.org/means.csv",
            name="Means",
            description="Means by month.",
            compare={"method": "table", "rtol": 1e-6, "ignore_columns": ["when"]},
        ),
        _kept(
            "out/plot of rain.png",
            "image/png",
            name="Plot",
            description="A plot of the means.",
            compare={"method": "image", "atol": 2},
        ),
    ],
    "files": [
        _kept("README.md", "text/markdown", name="Read me", description="What it is."),
        _kept("doc/notes.txt", "text/plain", name="Notes", description="Of the day."),
    ],
    "code": {
        "name": "means",
        "version": "1.4.2",
        "repository": "https://git.example.org/lab/means.git",
        "path": "src/means.py",
        "git_commit": "3" * 40,
        "git_tree_hash": "4" * 40,
        "dirty": False,
        "swh_origin_url": "https://git.example.org/lab/means",
        "swh_snapshot_id": "swh:1:snp:" + "5" * 40,
        "files": [
            _kept("src/means.py", "text/x-python", name="The script"),
            _kept("src/other.py", "text/x-python", description="Used by the script."),
        ],
        "language": {
            "name": "Python",
            "version": "3.11",
            "url": "https://www.python.org/",
        },
    },
    "run": {
        "command": ["python3", "src/means.py", "--in", "data/rain.csv", "a 'b'\n"],
        "working_directory": ".",
        "parameters": {
            "window": 30,
            "mode": "fast",
            "deep": {"a": [1, 2.0, None, True], "b": {}},
        },
        "environment": {"LANG": "C.UTF-8", "EMPTY": ""},
        "started": "2026-01-31T12:00:01Z",
        "ended": "2026-01-31T12:00:09.125Z",
        "exit_status": 0,
    },
    "environment": {
        "interpreter": {
            "name": "CPython",
            "version": "3.11.7",
            "url": "https://www.python.org/",
        },
        "packages": [
            {"name": "numpy", "version": "1.26.4", "purl": "pkg:pypi/numpy@1.26.4"},
            {"name": "libodd", "version": "1"},
        ],
        "lock_file": _kept("requirements.lock", "text/plain", name="Lock file"),
        "container": {
            "kind": "docker",
            "registry": "docker.io",
            "name": "library/python",
            "tag": "3.11",
            "sha256": "cd" * 32,
        },
        "platform": {
            "system": "Linux",
            "release": "6.1",
            "machine": "x86_64",
            "locale": "C.UTF-8",
            "time_zone": "Europe/Budapest",
        },
    },
    "notes": "The stations were moved in 2024.",
    "extra": {"registry": {"number": 7}},
}


def full(**changes: object) -> Json:
    """The full manifest, with some keys changed; None takes a key away."""
    document = copy.deepcopy(FULL) | changes
    return {key: value for key, value in document.items() if value is not None}


def without(document: Json, *pointers: str) -> Json:
    """A copy without some values, named like `code/files`."""
    changed = copy.deepcopy(document)
    for pointer in pointers:
        *above, last = pointer.split("/")
        place: Any = changed
        for key in above:
            place = place[int(key) if isinstance(place, list) else key]
        del place[last]
    return changed


def measured(manifest: Manifest) -> dict[str, Measured]:
    """What an exporter finds of the files of a manifest like `FULL`."""
    return {
        file.path: Measured(len(data), hashlib.sha256(data).hexdigest())
        for file in manifest.files()
        if file.path and (data := CONTENT.get(file.path)) is not None
    }


def write_crate(folder: Path, document: Json, ro_crate: str = "1.2") -> Path:
    """Write a manifest like `FULL` as a crate in a folder."""
    manifest = manifest_of(document)
    files = measured(manifest)
    for path in files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(CONTENT[path])
    (folder / "capsule.json").write_bytes(manifest.data)
    metadata = crate_document(manifest, files, ro_crate=ro_crate)
    text = json.dumps(metadata, ensure_ascii=False, indent=1)
    (folder / "ro-crate-metadata.json").write_text(text, encoding="utf-8")
    return folder


# -- any manifest --------------------------------------------------------------------

_CHARACTERS = st.characters(codec="utf-8")
TEXT = st.text(_CHARACTERS, max_size=12)
_SOME_TEXT = st.text(_CHARACTERS, min_size=1, max_size=12)
_HEX = st.sampled_from("0123456789abcdef")
_NUMBERS = st.integers(-(2**70), 2**70) | st.floats(
    allow_nan=False, allow_infinity=False
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)
_PART = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8
).filter(lambda part: part not in {".", ".."})
_ODD_PARTS = st.sampled_from(
    [
        "a b",
        "a%20b",
        "100%",
        "c#d",
        "e?f",
        "c:",
        "http:",
        "-x",
        "~",
        "a\\b",
        "#run",
        "é",
        "e\u0301",
        "日本.csv",
        "[x]",
        "<y>",
        "a\nb",
        "capsule.json",
        "\u202e",
        "x'\"`",
    ]
)
PATHS = st.lists(_PART | _ODD_PARTS, min_size=1, max_size=3).map("/".join)


def _hex(length: int) -> st.SearchStrategy[str]:
    return st.text(_HEX, min_size=length, max_size=length)


_URLS = st.sampled_from(
    [
        "https://example.org/a.csv",
        "http://example.org",
        "https://example.org/a b".replace(" ", "%20"),
        "https://example.org/é?x=<1>#y",
        "https://www.python.org/",
        "https://git.example.org/lab/means.git",
        "https://orcid.org/0000-0001-2345-6789",
        "https://spdx.org/licenses/MIT",
    ]
)
_TIMES = st.sampled_from(
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00Z",
        "2026-01-31T12:00:00.5+02:00",
        "2026-01-31T12:00:00.123456-05:30",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00-00:00",
        "0001-01-01T00:00:00-01:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59.999Z",
    ]
)
_LICENSES = st.sampled_from(
    ["MIT", "mit", "CC-BY-4.0", "MIT OR Apache-2.0", "LicenseRef-Ours", "GPL-2.0+"]
)
_SPECIAL = {
    "id": st.uuids().filter(lambda uuid: uuid.int).map(str),
    "license": _LICENSES,
    "orcid": st.sampled_from(
        [
            "https://orcid.org/0000-0001-2345-6789",
            "https://orcid.org/0000-0002-1825-009X",
        ]
    ),
    "ror": st.sampled_from(["https://ror.org/03f0f6041", "https://ror.org/04aj4c181"]),
    "email": st.sampled_from(["a@example.org", 'é"<x>#%?@y', "b@c"]),
    "media_type": st.sampled_from(["text/csv", "text/plain; charset=utf-8"]),
    "sha256": _hex(64),
    "git_commit": _hex(40) | _hex(64),
    "git_tree_hash": _hex(40) | _hex(64),
    "swh_snapshot_id": _hex(40).map("swh:1:snp:{}".format),
    "purl": st.sampled_from(["pkg:pypi/numpy@1.26.4", "pkg:npm/%40a/b", "pkg:deb/x/y"]),
    "repository": _URLS | st.sampled_from(["git@host:lab/x.git", "/srv/git/x", "x"]),
    "ignore_patterns": st.lists(st.sampled_from(["[0-9]+", "^a"]), max_size=2),
    "environment": st.dictionaries(
        st.text(
            st.characters(codec="utf-8", exclude_characters="=\0"),
            min_size=1,
            max_size=6,
        ),
        st.none() | TEXT,
        max_size=3,
    ),
    "parameters": st.dictionaries(_SOME_TEXT, VALUES, max_size=4),
    "extra": st.dictionaries(TEXT, VALUES, max_size=3),
    "path": PATHS,
    "url": _URLS,
}
"""What a pattern would be slow to find, by key."""


def _of(node: Json, key: str = "") -> st.SearchStrategy[Any]:
    """Values that a part of the schema lets through."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return _TIMES if name == "time" else _of(schema()["$defs"][name], key)
    if "const" in node:
        return st.just(node["const"])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "oneOf" in node:
        return st.one_of([_of(each, key) for each in node["oneOf"]])
    if node.get("pattern", "").startswith("^https?:"):
        return _URLS
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return st.one_of([_of_type(type, node, key) for type in types])


def _of_type(  # noqa: PLR0911 - one each
    type: str, node: Json, key: str
) -> st.SearchStrategy[Any]:
    if type == "null":
        return st.none()
    if key in _SPECIAL and not (key == "environment" and "properties" in node):
        return _SPECIAL[key]
    match type:
        case "object":
            return _object(node)
        case "array":
            return st.lists(_of(node["items"]), max_size=3)
        case "integer":
            return st.integers(node.get("minimum", -300), 2**40)
        case "number":
            return st.integers(0, 9) | st.floats(0, 1e300)
        case "boolean":
            return st.booleans()
    return _SOME_TEXT if node.get("minLength") else TEXT


def _object(node: Json) -> st.SearchStrategy[Json]:
    required = node.get("required", [])
    keys = {key: _of(each, key) for key, each in node["properties"].items()}
    made = st.fixed_dictionaries(
        {key: keys[key] for key in required},
        optional={key: each for key, each in keys.items() if key not in required},
    )
    if "anyOf" in node:  # a file: a path, a URL, or both
        return made.filter(lambda file: "path" in file or file.get("url") is not None)
    return made


@functools.cache
def _anything() -> st.SearchStrategy[Json]:
    return _object(schema())


@st.composite
def manifests(draw: st.DrawFn, most_files: int = 200) -> Manifest:
    """Any manifest of a capsule.

    Args:
        draw: hypothesis's.
        most_files: how many inputs, outputs and other files there are at most.
    """
    document: Json = draw(_anything())
    count = draw(st.integers(0, most_files))
    document |= {
        key: [_numbered(number, key) for number in range(count // 3)]
        + (document.get(key) or [])
        for key in draw(st.sets(st.sampled_from(["inputs", "outputs", "files"])))
    }
    keys = draw(st.permutations(list(document)))
    return _legal({key: document[key] for key in keys})


def _numbered(number: int, key: str) -> Json:
    return {"path": f"{key}/{number}.txt", "size": number}


def _legal(document: Json) -> Manifest:
    """The manifest, without the files that its paths do not leave room for.

    Where two files contradict each other, or one is a folder to the other, what is
    drawn is kept but for the paths.
    """
    try:
        return manifest_of(document)
    except ManifestError as error:
        if "must have" in str(error):
            raise
    stripped = _without_files(document)
    return manifest_of(stripped)


def _without_files(document: Json) -> Json:
    kept = {
        k: v for k, v in document.items() if k not in {"inputs", "outputs", "files"}
    }
    for part, key in (("code", "files"), ("environment", "lock_file")):
        if isinstance(kept.get(part), dict):
            kept[part] = {k: v for k, v in kept[part].items() if k != key}
    return kept
