"""Each fixture crate against what is expected, and the fixtures against their maker.

`make golden` writes the expectations anew; read the diff before you commit it.
"""

import filecmp
import importlib.util
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from reverify import verify
from reverify.model.finding import identified
from reverify.model.outcome import Outcome
from reverify.model.report import Report

from tests.conftest import CRATES, ROOT

EXPECTED = Path(__file__).with_name("expected")
NAMES = sorted(path.name for path in CRATES.iterdir() if path.is_dir())
PACKED = ("directory", "zip", "folder-in-zip", "tar.gz", "bag", "ocfl")


def summary(report: Report) -> dict[str, Any]:
    """What a reader would act on, without times and digests of the whole."""
    verdict = report.verdict
    bad = [
        {
            "rule": finding.rule,
            "outcome": finding.outcome.value,
            "level": finding.severity.value,
            "subject": finding.claim.subject,
            "pointer": finding.claim.stated_in.pointer,
            "reason": finding.reason,
        }
        for finding in report.findings
        if finding.outcome in {Outcome.REFUTED, Outcome.UNDETERMINED}
        and finding.severity != "note"
    ]
    return {
        "outcome": verdict.outcome.value,
        "level": verdict.level.value if verdict.level else None,
        "next_level": verdict.next_level,
        "kinds": {kind.value: tally.to_dict() for kind, tally in verdict.kinds.items()},
        "bad": bad,
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_crate_gives_what_is_expected(
    name: str, request: pytest.FixtureRequest
) -> None:
    found = summary(verify(str(CRATES / name), offline=True))
    path = EXPECTED / f"{name}.json"
    if request.config.getoption("--golden-rewrite"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


def test_the_fixtures_are_what_their_maker_makes(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make", ROOT / "fixtures" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.make(tmp_path)
    made = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    kept = sorted(p.relative_to(CRATES) for p in CRATES.rglob("*") if p.is_file())
    assert made == kept
    for path in made:
        assert filecmp.cmp(tmp_path / path, CRATES / path, shallow=False), path


def packed(name: str, how: str, folder: Path) -> Path:
    """A fixture crate in another packaging."""
    source = CRATES / name
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if how == "directory":
        return source
    if how in {"bag", "ocfl"}:
        spec = importlib.util.spec_from_file_location("m", ROOT / "fixtures/make.py")
        assert spec is not None
        assert spec.loader is not None
        maker = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(maker)
        shutil.copytree(source, folder / how)
        getattr(maker, how)(folder / how)
        return folder / how
    target = folder / f"crate.{how.rpartition('-')[2]}"
    if how == "tar.gz":
        with tarfile.open(target, "w:gz") as tar:
            tar.add(source, ".")
        return target
    prefix = "crate/" if how == "folder-in-zip" else ""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, prefix + path.relative_to(source).as_posix())
    return target


PACKABLE = {
    "intact": (),
    "completeness-missing-file": (),
    "intact-odd-names": ("conformance",),
    "fixity-wrong-sha256": ("conformance",),
    "fixity-wrong-size": ("conformance",),
    "fixity-md5-as-sha256": ("conformance",),
}
"""Crates, and what is left out since it takes long and cannot differ."""


@pytest.mark.parametrize("name", PACKABLE)
def test_every_packaging_gives_the_same_findings(name: str, tmp_path: Path) -> None:
    seen = {}
    for how in PACKED:
        folder = tmp_path / how
        folder.mkdir()
        location = str(packed(name, how, folder))
        report = verify(location, offline=True, skip=PACKABLE[name] or None)
        seen[how] = {
            (id, finding.rule, finding.outcome)
            for id, finding in identified(report.findings)
            if not finding.claim.topic.startswith(
                ("bag-", "ocfl-", "coverage", "unlisted")
            )
            and not finding.claim.stated_in.file.startswith(
                ("manifest-", "tagmanifest-", "inventory.json")
            )
        }
    first = seen.pop("directory")
    for how, found in seen.items():
        assert found == first, how


def test_two_runs_differ_only_in_their_times() -> None:
    first, second = (
        verify(str(CRATES / "intact-recorded-run"), offline=True).to_dict()
        for _ in range(2)
    )
    for report in (first, second):
        for key in ("started", "finished", "seconds"):
            del report[key]
        for finding in report["findings"]:
            for item in finding["evidence"]:
                del item["at"]
    assert first == second
