"""Collections of generated capsules in mixed packagings, some damaged in known ways."""

import json
import random
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from reverify.capsules.export import export_capsule
from reverify.capsules.manifest import manifest_of
from reverify.capsules.sources import FolderSource

FORMATS = ("dir", "zip", "bag", "bag-zip")
SUFFIX = {"dir": "", "zip": ".zip", "bag": "", "bag-zip": ".zip"}
Json = dict[str, Any]


class Damage(NamedTuple):
    """A way to damage a crate.

    Attributes:
        name: in a word.
        formats: of which packagings it can happen to.
        rule: what is found then, among others.
        act: does it.
    """

    name: str
    formats: tuple[str, ...]
    rule: str
    act: Callable[[Path], None]


def make(
    folder: Path, count: int, *, damaged: int = 0, seed: int = 1
) -> dict[str, str]:
    """Make a collection; the same one each time.

    Args:
        folder: where to; made.
        count: how many capsules.
        damaged: how many of them are damaged, in each known way in turn.
        seed: of the chance.

    Returns:
        the rule that is broken, by the name of the damaged crate.
    """
    chance = random.Random(seed)
    places = [_capsule(folder, number, chance) for number in range(count)]
    return dict(damage(chance.sample(places, damaged), chance))


def damage(places: list[Path], chance: random.Random) -> Iterator[tuple[str, str]]:
    """Damage crates, each in one known way; pairs of their names and broken rules."""
    for number, place in enumerate(places):
        possible = [way for way in WAYS if _format(place) in way.formats]
        way = possible[(number + chance.randrange(len(possible))) % len(possible)]
        way.act(place)
        yield place.name, way.rule


def _capsule(folder: Path, number: int, chance: random.Random) -> Path:
    """One capsule of three files, exported; a thousand to each folder."""
    format = FORMATS[number % len(FORMATS)]
    above = folder / f"{number // 1000:03}"
    above.mkdir(parents=True, exist_ok=True)
    source = folder.parent / "source"
    source.mkdir(exist_ok=True)
    for name in ("in.csv", "out.csv", "code.py"):
        (source / name).write_bytes(chance.randbytes(chance.randrange(100, 20_000)))
    document: Json = {
        "schema_version": "1.0",
        "id": str(uuid.UUID(int=chance.getrandbits(128))),
        "title": f"Rain, station {number}",
        "description": "The rain of a station, added up.",
        "license": "CC0-1.0",
        "status": "completed",
        "created": "2026-01-31T12:00:00Z",
        "inputs": [{"path": "in.csv"}],
        "outputs": [{"path": "out.csv"}],
        "code": {"files": [{"path": "code.py"}]},
        "run": {
            "command": ["python3", "code.py", "in.csv"],
            "started": "2026-01-31T11:59:58Z",
            "ended": "2026-01-31T12:00:00Z",
            "exit_status": 0,
        },
    }
    target = above / f"capsule-{number:06}-{format}{SUFFIX[format]}"
    with FolderSource(source) as files:
        export_capsule(manifest_of(document), files, target, format=format)
    return target


def _format(place: Path) -> str:
    return place.name.removesuffix(".zip").partition("-")[2].partition("-")[2]


def _data(place: Path) -> Path:
    return place / "data" if (place / "bagit.txt").exists() else place


def _flip(place: Path) -> None:
    """One bit of a file, as it happens on a disk: neither its size nor its time."""
    path = _data(place) / "out.csv"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _remove(place: Path) -> None:
    (_data(place) / "in.csv").unlink()


def _truncate(place: Path) -> None:
    path = _data(place) / "code.py"
    path.write_bytes(path.read_bytes()[:-1])


def _unlisted(place: Path) -> None:
    (place / "data" / "left-behind.txt").write_bytes(b"?")


def _cut(place: Path) -> None:
    place.write_bytes(place.read_bytes()[:-100])


def _repack(place: Path) -> None:
    """A zip whose checksums hold, of other bytes than those that are stated."""
    other = place.with_suffix(".new")
    with zipfile.ZipFile(place) as old, zipfile.ZipFile(other, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.endswith("out.csv"):
                data = data[:-1] + bytes([data[-1] ^ 1])
            new.writestr(item, data)
    shutil.move(other, place)


def _lose(place: Path) -> None:
    """A metadata document that names a file which is not there."""
    path = _data(place) / "ro-crate-metadata.json"
    document = json.loads(path.read_bytes())
    document["@graph"].append({"@id": "lost.csv", "@type": "File", "name": "Lost"})
    root = next(e for e in document["@graph"] if e["@id"] == "./")
    root["hasPart"].append({"@id": "lost.csv"})
    path.write_text(json.dumps(document))


WAYS = (
    Damage("flipped bit", ("dir", "bag"), "fixity/digest-mismatch", _flip),
    Damage("removed file", ("dir", "bag"), "completeness/file-missing", _remove),
    Damage("cut file", ("dir", "bag"), "fixity/size-mismatch", _truncate),
    Damage("file left behind", ("bag",), "completeness/bag-file-unlisted", _unlisted),
    Damage("cut archive", ("zip", "bag-zip"), "completeness/archive-broken", _cut),
    Damage("repacked", ("zip", "bag-zip"), "fixity/digest-mismatch", _repack),
    Damage("lost file", ("dir",), "completeness/file-missing", _lose),
)
