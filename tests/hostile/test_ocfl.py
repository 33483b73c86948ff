"""The whole program on OCFL objects that lie, or that ask for too much."""

import json
from pathlib import Path

import pytest

from tests.builders import Json, crate_files, encode, ocfl_files, ocfl_inventory, write
from tests.hostile.harness import Room, canary

GOOD = crate_files({"good.txt": b"good"})
OBJECT = ocfl_files(GOOD)
INVENTORY: Json = json.loads(OBJECT["inventory.json"])
MANY = 200_000


def with_inventory(text: bytes) -> dict[str, bytes]:
    return OBJECT | ocfl_inventory(text) | ocfl_inventory(text, "v1/")


def with_state(**state: object) -> dict[str, bytes]:
    version = INVENTORY["versions"]["v1"]
    version = version | {"state": version["state"] | state}
    return with_inventory(encode(INVENTORY | {"versions": {"v1": version}}))


CONTENT = INVENTORY["manifest"]
GREEDY: dict[str, dict[str, bytes]] = {
    "paths without end": with_state(d=[f"{n}/a" for n in range(MANY)]),
    "one path without end": with_state(d=["a.txt"] * MANY),
    "names of one file without end": with_state(
        **{next(iter(CONTENT)): [f"{n}" for n in range(MANY)]}
    ),
    "folders without end": with_state(
        **{next(iter(CONTENT)): [f"{n}/" + "a/" * 200 + "b" for n in range(1000)]}
    ),
    "digests without end": with_inventory(
        encode(INVENTORY | {"manifest": CONTENT | {f"{n}": [] for n in range(MANY)}})
    ),
    "versions without end": with_inventory(
        encode(
            INVENTORY
            | {
                "head": "v1",
                "versions": dict.fromkeys(
                    [f"v{n}" for n in range(1, 20_000)], INVENTORY["versions"]["v1"]
                ),
            }
        )
    ),
    "algorithms without end": with_inventory(
        encode(INVENTORY | {"fixity": {f"{n}": {"d": ["x"]} for n in range(20_000)}})
    ),
    "nested without end": with_inventory(b'{"manifest":' * 50_000),
    "nested deeply": with_inventory(
        encode(INVENTORY)[:-1] + b', "more": ' + b"[" * 900 + b"]" * 900 + b"}"
    ),
    "no text at all": with_inventory(b"\0" * 100_000),
    "half of a surrogate pair": with_state(**{"\ud800": ["\udfff"]}),
    "terminal sequences": with_state(**{"\x1b[2J": ["\x1b]0;x\x07", "a\x9b"]}),
    "a long digest": with_state(**{"0" * 1_000_000: ["a.txt"]}),
    "a long path": with_state(d=["a" * 1_000_000]),
    "a long name of an algorithm": with_inventory(
        encode(INVENTORY | {"digestAlgorithm": "../" * 100_000})
    ),
    "a long head": with_inventory(encode(INVENTORY | {"head": "v" + "1" * 100_000})),
}


@pytest.mark.parametrize("name", GREEDY)
def test_no_inventory_takes_more_than_it_may(
    room: Room, tmp_path: Path, name: str
) -> None:
    # A hundred thousand names are looked at, as in a zip, and each has its finding.
    rss = (1000 if name == "names of one file without end" else 300) << 20
    run = room.check(write(tmp_path / "object", GREEDY[name]), rss=rss)
    assert run.code in {1, 3}


@pytest.mark.parametrize(
    "path", ["../secret.txt", "/etc/passwd", "v1/content/../../../secret.txt"]
)
def test_content_outside_of_the_object_is_not_opened(
    room: Room, tmp_path: Path, path: str
) -> None:
    secret = write(tmp_path, {"secret.txt": b"secret"}) / "secret.txt"
    manifest = CONTENT | {"d" * 128: [path]}
    version = INVENTORY["versions"]["v1"]
    state = version["state"] | {"d" * 128: ["stolen.txt"]}
    versions = {"v1": version | {"state": state}}
    text = encode(INVENTORY | {"manifest": manifest, "versions": versions})
    object = write(tmp_path / "object", with_inventory(text))
    with canary(secret) as bird:
        run = room.check(object)
        assert not bird.sang()
    assert run.code == 1
    assert "completeness/path-unsafe" in run.rules("refuted")
