"""Crates of workflows, run again from end to end by each engine."""

import shutil
from pathlib import Path

import pytest
from reverify.model.outcome import Outcome
from reverify.rerun.interface import Bounds
from reverify.rerun.sandbox import Bubblewrap

from tests.fakes import Json, file, write_crate
from tests.rerun.running import TOOLS, WORKFLOWS, environ
from tests.rerun.test_reproducing import again

pytestmark = pytest.mark.skipif(
    bool(Bubblewrap().missing()), reason=Bubblewrap().missing()
)
BOUNDS = Bounds(seconds=120)
SUMS = b"station,mm\nnorth,4.25\nsouth,4.75\n"


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", environ()["PATH"])


def crate_of(
    folder: Path, main: str, language: str, results: dict[str, bytes], *others: Json
) -> Path:
    """A crate of one run of a workflow of the fixtures, and what it gave."""
    kept = {
        path.relative_to(WORKFLOWS).as_posix().partition("/")[2]: path.read_bytes()
        for name in (language, "command")
        for path in (WORKFLOWS / name).rglob("*")
        if path.is_file()
    }
    kept["rain.csv"] = (WORKFLOWS / "rain.csv").read_bytes()
    workflow: Json = {
        "@id": main,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "programmingLanguage": {"@id": "#language"},
        "hasPart": [{"@id": "sum.py"}],
    }
    named: Json = {"@id": "#language", "@type": "ComputerLanguage", "name": language}
    run: Json = {
        "@id": "#run",
        "@type": "CreateAction",
        "instrument": {"@id": main},
        "object": [{"@id": "rain.csv"}, *({"@id": each["@id"]} for each in others)],
        "result": [{"@id": name} for name in results],
    }
    files = {**kept, **results}
    data = [file(name) for name in files if name != main]
    write_crate(folder, run, workflow, named, *data, *others, files=files)
    return folder


LEAST: Json = {
    "@id": "#least",
    "@type": "PropertyValue",
    "name": "least",
    "value": "4.5",
    "propertyID": "urn:reverify:capsule:parameter",
}
BOTH = {"results/sums.csv": SUMS, "results/wet.txt": b"south\n"}


@pytest.mark.parametrize(
    ("main", "language"), [("Makefile", "make"), ("Snakefile", "snakemake")]
)
def test_a_workflow_gives_its_results_again(
    tmp_path: Path, main: str, language: str
) -> None:
    if language == "snakemake" and not (TOOLS / "snakemake").is_file():
        pytest.skip("Snakemake is not installed")
    least = {**LEAST, "name": "LEAST" if language == "make" else "least"}
    crate = crate_of(tmp_path / "crate", main, language, BOTH, least)
    report = again(crate, bounds=BOUNDS)
    assert report.verdict.outcome is Outcome.CONFIRMED, report.findings
    rules = [each.rule for each in report.findings]
    assert rules.count("execution/result-identical") == 2


def test_a_notebook_gives_its_outputs_again(tmp_path: Path) -> None:
    notebook = (WORKFLOWS / "notebook/rain.ipynb").read_bytes()
    crate = crate_of(tmp_path / "crate", "rain.ipynb", "notebook", {"out.ipynb": b""})
    first = again(crate, bounds=BOUNDS, keep=tmp_path / "kept")
    assert first.verdict.outcome is Outcome.REFUTED  # an empty file was recorded
    (made,) = (tmp_path / "kept").iterdir()
    executed = (made / "files" / "out.ipynb").read_bytes()
    assert executed != notebook
    (crate / "out.ipynb").write_bytes(executed)
    report = again(crate, bounds=BOUNDS)
    assert report.verdict.outcome is Outcome.CONFIRMED, report.findings


def test_the_crate_of_a_cwl_run_gives_its_results_again(tmp_path: Path) -> None:
    crate = tmp_path / "crate"
    shutil.copytree(WORKFLOWS / "cwl-run", crate)
    report = again(crate, bounds=BOUNDS)
    assert report.verdict.outcome is Outcome.CONFIRMED, report.findings
    rules = sorted(each.rule.partition("/")[2] for each in report.findings)
    results = ["result-identical"] * 2
    assert rules == [*results, "run-succeeded", "step-of-run", "step-of-run"]


def test_the_first_step_whose_results_differ_is_told(tmp_path: Path) -> None:
    crate = tmp_path / "crate"
    shutil.copytree(WORKFLOWS / "cwl-run", crate)
    workflow = crate / "packed.cwl"
    workflow.write_text(workflow.read_text().replace("$2 > least", "$2 > 0"))
    report = again(crate, bounds=BOUNDS)
    (finding,) = (each for each in report.findings if each.outcome is Outcome.REFUTED)
    assert finding.rule == "execution/result-differs"
    assert "the first step whose results differ is Run of" in finding.reason
    assert "choose" in finding.reason
