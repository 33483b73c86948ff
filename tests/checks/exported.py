"""A capsule captured in a git repository and exported, and lies told in its crate."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reverify import verify
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome
from reverify.model.report import Report

from tests.gitrepos import git, make_repository
from tests.services.swh_double import SwhDouble

ORIGIN = "https://git.example.org/lab/rain"
SCRIPT = "sum_rain.py"
ROOT = Path(__file__).resolve().parent.parent.parent
Json = dict[str, Any]
Lie = Callable[["Exported"], None]


class Exported(NamedTuple):
    """A crate, and the repository that its code is from.

    Attributes:
        crate: the crate, a folder.
        work: the work tree.
        commit: the one commit there.
        tree: its tree.
    """

    crate: Path
    work: Path
    commit: str
    tree: str

    def copy(self, where: Path) -> "Exported":
        shutil.copytree(self.crate, where)
        return self._replace(crate=where)

    @property
    def document(self) -> Json:
        text = (self.crate / "ro-crate-metadata.json").read_text(encoding="utf-8")
        found: Json = json.loads(text)
        return found

    @property
    def code(self) -> Json:
        return next(e for e in self.document["@graph"] if "codeRepository" in e)

    def say(self, id: str, **properties: object) -> None:
        """Change what an entity says."""
        document = self.document
        entity = next(e for e in document["@graph"] if e["@id"] == id)
        entity.update(properties)
        self.write(document)

    def write(self, document: Json) -> None:
        path = self.crate / "ro-crate-metadata.json"
        path.write_text(json.dumps(document), encoding="utf-8")

    def replace(self, old: str, new: str) -> None:
        """Write something else throughout the metadata document."""
        path = self.crate / "ro-crate-metadata.json"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def rewrite(self, data: bytes, path: str = SCRIPT) -> None:
        """Put other bytes into a file, and say their digest and size."""
        (self.crate / path).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.say(path, sha256=digest, contentSize=str(len(data)))


def reverify(
    *arguments: str | Path, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """The whole program."""
    return subprocess.run(
        [sys.executable, "-m", "reverify", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )


def capture(base: Path) -> Exported:
    """Make a repository and a capsule of a run in it; `base/capsule` is the capsule."""
    files = {SCRIPT: (ROOT / "fixtures/analysis" / SCRIPT).read_bytes()}
    data = ROOT / "fixtures/analysis/data"
    files |= {f"data/{path.name}": path.read_bytes() for path in data.iterdir()}
    files |= {"lib/one.py": b"ONE = 1\n", "lib/two.py": b"TWO = 2\n"}
    work = make_repository(base / "work", files)
    git(work, "remote", "add", "origin", f"{ORIGIN}.git")
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "reverify", "capsule", "capture", "--quiet"),
            *("--title", "Rain", "--description", "The rain at three stations, added."),
            *("--license", "CC0-1.0", "--publisher", "Lab <https://lab.example.org/>"),
            *("--code", "lib", "--out", str(base / "capsule"), "--"),
            *("python3", SCRIPT, "data/rain.csv", "data/stations.csv"),
            *("--out", "results", "--wet", "1.0"),
        ],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    commit, tree = (git(work, "rev-parse", name) for name in ("HEAD", "HEAD^{tree}"))
    return Exported(base / "crate", work, commit, tree)


def export(base: Path, **code: str) -> None:
    """Export the capsule at `base`, with more said of its code."""
    path = base / "capsule/capsule.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["code"] |= code
    path.write_text(json.dumps(manifest), encoding="utf-8")
    answer = reverify("export", "--quiet", path, "-o", base / "crate")
    assert answer.returncode == 0, answer.stderr


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A crate whose code is in git; not to be changed, but in a copy."""
    base = tmp_path_factory.mktemp("exported")
    made = capture(base)
    export(base)
    return made


class Archived(NamedTuple):
    """A crate that says where its code was seen, and the archive that saw it."""

    made: Exported
    double: SwhDouble
    snapshot: str


@pytest.fixture(scope="session")
def archived_crate(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A crate that says that its code is archived; the archive is yet to be filled."""
    base = tmp_path_factory.mktemp("archived")
    made = capture(base)
    snapshot = SwhDouble().load(made.work)
    export(base, swh_origin_url=ORIGIN, swh_snapshot_id=f"swh:1:snp:{snapshot}")
    return made


@pytest.fixture
def archived(
    archived_crate: Exported, tmp_path: Path, swh_double: SwhDouble
) -> Archived:
    """A copy of such a crate, and an archive that saw its origin."""
    snapshot = swh_double.load(archived_crate.work, ORIGIN)
    return Archived(archived_crate.copy(tmp_path / "crate"), swh_double, snapshot)


def source_report(made: Exported, *sources: Path, **more: object) -> Report:
    return verify(
        str(made.crate),
        offline=True,
        only=["source"],
        source=[str(path) for path in sources],
        **more,
    )


def refuted(report: Report) -> list[Finding]:
    return [f for f in report.findings if f.outcome is Outcome.REFUTED]
