"""Capsules for tests."""

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

from reverify.capsules.manifest import manifest_of, read_manifest
from reverify.model.capsule import Manifest

LEAST: dict[str, Any] = {
    "schema_version": "1.0",
    "id": "6f1c2a8e-3b1d-4c55-9a51-0f6f8f3f7c21",
    "title": "Rain at three stations",
    "status": "completed",
    "created": "2026-01-31T12:00:00Z",
}
RAIN, SUM, TOTAL = b"station,mm\na,1\n", b"print(1)\n", b"1\n"


def capsule(**changes: object) -> Manifest:
    """The manifest of a capsule without files, unless told otherwise."""
    return manifest_of(LEAST | changes)


def numbered(number: int, **changes: object) -> Manifest:
    """The manifest of one of many capsules."""
    id = str(uuid.UUID(int=(number + 1) << 96 | number))
    return capsule(id=id, title=f"Rain, {number}", **changes)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def capsule_folder(folder: Path, **changes: object) -> Path:
    """A folder that holds a manifest and its files; the input's digest is stated."""
    for name, data in (("rain.csv", RAIN), ("sum.py", SUM), ("out/total.txt", TOTAL)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    document = LEAST | {
        "inputs": [{"path": "rain.csv", "sha256": sha256(RAIN), "size": len(RAIN)}],
        "outputs": [{"path": "out/total.txt"}],
        "code": {"files": [{"path": "sum.py"}]},
    }
    text = json.dumps(document | changes, indent=1)
    (folder / "capsule.json").write_text(text, encoding="utf-8")
    return folder


def manifest_in(folder: Path) -> Manifest:
    return read_manifest((folder / "capsule.json").read_bytes())
