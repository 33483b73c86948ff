"""A recorded run, run again from end to end: what is said of it, and what is left."""

import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from reverify.errors import UsageError
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome
from reverify.model.report import Report
from reverify.rerun.interface import Bounds, Options
from reverify.rerun.sandbox import Bubblewrap
from reverify.runtime import Runtime
from reverify.settings import load_settings

from tests.fakes import Json, file, write_crate
from tests.gitrepos import git, make_repository

pytestmark = pytest.mark.skipif(
    bool(Bubblewrap().missing()), reason=Bubblewrap().missing()
)
INPUT = b"x\n1.5\n2.5\n"
SCRIPT = """
rows = [float(line) for line in open("data/in.csv").read().split()[1:]]
with open("out.csv", "w") as target:
    target.write("name,sum\\nall,%r\\n" % (sum(rows) * 1))
    target.write("half,%r\\n" % (sum(rows) / 2))
"""
OUTPUT = b"name,sum\nall,4.0\nhalf,2.0\n"
QUICK = Bounds(seconds=3, memory=256 << 20, disk=16 << 20, processes=20)


def write(
    folder: Path,
    script: str = SCRIPT,
    *,
    output: bytes = OUTPUT,
    name: str = "out.csv",
    compare: str = "",
    packages: tuple[str, ...] = (),
    input: bytes = INPUT,
) -> Path:
    """A crate of one run, in Python, of one input and one output."""
    command = {
        "@id": "#command",
        "@type": "PropertyValue",
        "name": "command",
        "value": '["python3", "sum.py"]',
    }
    tool: Json = {
        "@id": "#tool",
        "@type": "SoftwareApplication",
        "name": "sum",
        "hasPart": {"@id": "sum.py"},
    }
    others: list[Json] = []
    if packages:
        tool["softwareRequirements"] = [{"@id": f"#{each}"} for each in packages]
        others = [
            {"@id": f"#{each}", "@type": "SoftwareApplication", "name": each}
            for each in packages
        ]
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "instrument": {"@id": "#tool"},
        "object": [{"@id": "data/in.csv"}, {"@id": "#command"}],
        "result": [{"@id": name}],
    }
    result = file(name)
    if compare:
        result["additionalProperty"] = {"@id": "#compare"}
        others.append(
            {
                "@id": "#compare",
                "@type": "PropertyValue",
                "name": "how to compare",
                "propertyID": "urn:reverify:capsule:compare",
                "value": compare,
            }
        )
    digest = "d74146e3d2bcb29f2ee1c9b9ba4f6ef6e0a4e6ba5b5aa1eb4ea1c25bd3f62ad7"
    entity = file("data/in.csv")
    if input != INPUT:
        entity["sha256"] = digest
    files = {"data/in.csv": input, "sum.py": script.encode(), name: output}
    write_crate(
        folder, run, tool, command, entity, file("sum.py"), result, *others, files=files
    )
    return folder


def again(
    crate: Path,
    *,
    bounds: Bounds = QUICK,
    source: tuple[str, ...] = (),
    **options: object,
) -> Report:
    settings = load_settings(
        {"offline": True, "only": ["execution"], "source": source or None}
    )
    asked = Options(bounds=bounds, **options)  # type: ignore[arg-type]
    with Runtime(settings, rerun=asked) as runtime:
        return next(runtime.verify(str(crate)))


def found(report: Report, rule: str) -> Finding:
    (finding,) = (each for each in report.findings if each.rule == f"execution/{rule}")
    return finding


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Neither a folder, nor a process, nor a mount outlives a run."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    old = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(temporary)
    import tempfile  # noqa: PLC0415 - it remembers the folder

    tempfile.tempdir = None
    yield
    tempfile.tempdir = None
    if old is None:
        del os.environ["TMPDIR"]
    else:
        os.environ["TMPDIR"] = old
    assert list(temporary.iterdir()) == []
    assert str(temporary) not in Path("/proc/self/mountinfo").read_text()


def test_the_same_results_reproduce_a_run(tmp_path: Path) -> None:
    report = again(write(tmp_path / "crate"))
    assert report.verdict.outcome is Outcome.CONFIRMED
    run = found(report, "run-succeeded")
    assert "in a sandbox (bubblewrap" in run.reason
    assert run.evidence[0].method.endswith("python3 sum.py")
    result = found(report, "result-identical")
    assert result.claim.subject == "out.csv"
    assert result.observed is not None
    assert result.observed.startswith("sha256:")


def test_a_changed_constant_in_the_script_is_found(tmp_path: Path) -> None:
    script = SCRIPT.replace("* 1", "* 2")
    report = again(write(tmp_path / "crate", script))
    result = found(report, "result-differs")
    assert report.verdict.outcome is Outcome.REFUTED
    assert "row 1 'sum': 4.0 expected, 8.0 found" in result.reason.replace('"', "'")


def test_a_changed_input_is_not_run(tmp_path: Path) -> None:
    report = again(write(tmp_path / "crate", input=b"x\n1\n"))
    finding = found(report, "cannot-run")
    assert report.verdict.outcome is Outcome.UNDETERMINED
    assert "data/in.csv is not what the run read" in finding.reason


def test_a_missing_package_says_nothing_against_the_record(tmp_path: Path) -> None:
    crate = write(tmp_path / "crate", "import nowhere_to_be_had", packages=("nowhere",))
    finding = found(again(crate), "run-failed-elsewhere")
    assert finding.outcome is Outcome.UNDETERMINED
    assert "No module named 'nowhere_to_be_had'" in finding.reason


MOVED = SCRIPT.replace("* 1", "* (1 + 1e-12)")
TABLE = '{"method": "table", "rtol": 1e-9}'


def test_a_float_that_moves_in_the_12th_digit_differs(tmp_path: Path) -> None:
    result = found(again(write(tmp_path / "crate", MOVED)), "result-differs")
    assert "1e-12" in result.reason


@pytest.mark.parametrize("by", ["the crate", "the command line"])
def test_a_float_may_move_within_a_tolerance(tmp_path: Path, by: str) -> None:
    crate = write(tmp_path / "crate", MOVED, compare=TABLE * (by == "the crate"))
    report = again(crate, rtol=None if by == "the crate" else 1e-9)
    assert "equal within rtol 1e-09" in found(report, "result-equal").reason


@pytest.mark.parametrize("declared", [True, False])
def test_a_shuffled_table_is_equal_only_if_that_is_declared(
    tmp_path: Path, declared: bool
) -> None:
    output = b"name,sum\nhalf,2.0\nall,4.0\n"
    rule = '{"method": "table", "key_columns": ["name"]}' if declared else ""
    report = again(write(tmp_path / "crate", output=output, compare=rule))
    found(report, "result-equal" if declared else "result-differs")


@pytest.mark.parametrize("declared", [True, False])
def test_a_time_stamp_differs_unless_it_is_declared(
    tmp_path: Path, declared: bool
) -> None:
    script = 'import time\nopen("log.txt", "w").write("at %r\\nok\\n" % time.time())'
    rule = '{"method": "text", "ignore_patterns": ["at [0-9.]+"]}' if declared else ""
    crate = write(
        tmp_path / "crate", script, output=b"at 1.5\nok\n", name="log.txt", compare=rule
    )
    report = again(crate, repeat=1 if declared else 2)
    finding = found(report, "result-equal" if declared else "result-varies")
    assert declared or "our own 2 runs differ from each other" in finding.reason


def test_two_runs_that_agree_tell_it_from_chance(tmp_path: Path) -> None:
    report = again(write(tmp_path / "crate", MOVED), repeat=2)
    assert "our own 2 runs agree" in found(report, "result-differs").reason


def test_an_output_that_is_not_written_is_missing(tmp_path: Path) -> None:
    report = again(write(tmp_path / "crate", "print('done')"))
    assert found(report, "result-missing").outcome is Outcome.REFUTED


def test_a_crash_is_told_with_its_last_words(tmp_path: Path) -> None:
    report = again(write(tmp_path / "crate", "raise SystemExit('no more rain')"))
    finding = found(report, "run-failed")
    assert finding.outcome is Outcome.REFUTED
    assert "exit status 1; it said last: no more rain" in finding.reason


@pytest.mark.parametrize(
    "script",
    [
        "while True: pass",
        "x = []\nwhile True: x.append(bytearray(10_000_000))",
        "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
        "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))",
    ],
    ids=["endless loop", "memory hog", "fork bomb", "full disk"],
)
def test_who_takes_too_much_cannot_be_told(tmp_path: Path, script: str) -> None:
    report = again(write(tmp_path / "crate", script))
    assert found(report, "run-stopped").outcome is Outcome.UNDETERMINED
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_the_network_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(4)
        port = server.getsockname()[1]
        heard: list[bool] = []

        def listen() -> None:
            try:
                server.accept()
                heard.append(True)
            except OSError:
                pass

        thread = threading.Thread(target=listen)
        thread.start()
        script = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
        report = again(write(tmp_path / "crate", script))
        assert found(report, "run-failed").outcome is Outcome.REFUTED
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
        assert heard == [True]  # by us, who came last


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    target = tmp_path / "outside.txt"
    script = f"{SCRIPT}\ntry: open({str(target)!r}, 'w')\nexcept OSError: print('no')"
    report = again(write(tmp_path / "crate", script))
    found(report, "run-succeeded")
    assert not target.exists()


def test_what_it_wrote_besides_is_told(tmp_path: Path) -> None:
    script = SCRIPT + "\nopen('more.txt', 'w').write('x')\n"
    finding = found(again(write(tmp_path / "crate", script)), "result-extra")
    assert "also wrote more.txt" in finding.reason


def test_of_very_much_besides_only_the_number_is_told(tmp_path: Path) -> None:
    more = "\nfor i in range(150):\n    open(f'more-{i}', 'w')\n"
    report = again(write(tmp_path / "crate", SCRIPT + more))
    told = [each for each in report.findings if each.rule == "execution/result-extra"]
    assert len(told) == 101
    assert "also left 50 further things" in told[-1].reason


def test_outputs_are_never_placed_beforehand(tmp_path: Path) -> None:
    script = "import os\nassert not os.path.exists('out.csv')\n" + SCRIPT
    found(again(write(tmp_path / "crate", script)), "run-succeeded")


def test_what_it_gave_can_be_kept(tmp_path: Path) -> None:
    script = SCRIPT + "\nprint('hello')\n"
    again(write(tmp_path / "crate", script), keep=tmp_path / "kept")
    (run,) = (tmp_path / "kept").iterdir()
    assert (run / "files" / "out.csv").read_bytes() == OUTPUT
    assert (run / "stdout.txt").read_bytes() == b"hello\n"


def test_another_action_is_left_alone(tmp_path: Path) -> None:
    crate = write(tmp_path / "crate")
    other = {"@type": "CreateAction", "instrument": {"@id": "#tool"}}
    report = again(amend(crate, "#other", **other), action="#run")
    assert found(report, "not-chosen").claim.subject == "#other"
    assert found(report, "not-chosen").outcome is Outcome.UNTESTED
    assert found(report, "result-identical")


def test_who_chooses_a_run_that_is_not_there_is_told_those_that_are(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match=r"there are #run$"):
        again(write(tmp_path / "crate"), action="run")


def test_the_new_run_says_where_its_code_is_described(tmp_path: Path) -> None:
    again(write(tmp_path / "crate"), record=tmp_path / "new")
    document = json.loads((tmp_path / "new" / "ro-crate-metadata.json").read_bytes())
    known = {entity["@id"]: entity for entity in document["@graph"]}
    old = known["./"]["isBasedOn"]
    assert known["#code-1"]["url"] == old
    assert known["#code-1"]["version"] == f"as in {old['@id']}"


def test_its_environment_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    script = SCRIPT + "\nimport os\nassert 'secret' not in str(os.environ)\n"
    found(again(write(tmp_path / "crate", script)), "run-succeeded")


def test_a_run_without_results_has_nothing_to_compare(tmp_path: Path) -> None:
    crate = write(tmp_path / "crate")
    path = crate / "ro-crate-metadata.json"
    document = json.loads(path.read_text())
    for entity in document["@graph"]:
        entity.pop("result", None)
    path.write_text(json.dumps(document))
    report = again(crate)
    assert found(report, "nothing-to-compare").outcome is Outcome.UNDETERMINED
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_an_input_on_the_web_is_not_fetched_offline(tmp_path: Path) -> None:
    crate = write(tmp_path / "crate")
    path = crate / "ro-crate-metadata.json"
    url = "https://data.example.org/in.csv"
    document = path.read_text().replace('"data/in.csv"', f'"{url}"')
    made = json.loads(document)
    for entity in made["@graph"]:
        if entity["@id"] == url:
            entity["sha256"] = "ab" * 32
    path.write_text(json.dumps(made))
    reason = found(again(crate), "cannot-run").reason
    assert f"its input {url} may not be fetched while offline" in reason


# -- what is not shown is not confirmed ------------------------------------------------


def amend(crate: Path, id: str, **properties: object) -> Path:
    """Change what a crate says of an entity, which is added if it is not there."""
    path = crate / "ro-crate-metadata.json"
    document = json.loads(path.read_text())
    known = {entity["@id"]: entity for entity in document["@graph"]}
    if id not in known:
        document["@graph"].append(known.setdefault(id, {"@id": id}))
    known[id].update(properties)
    path.write_text(json.dumps(document))
    return crate


@pytest.mark.parametrize("given", ["object", "instrument"])
def test_what_the_run_was_given_is_not_taken_for_what_it_gave(
    tmp_path: Path, given: str
) -> None:
    crate = write(tmp_path / "crate", "pass")
    if given == "object":
        ids = [{"@id": "out.csv"}, {"@id": "#command"}]
        amend(crate, "#run", object=ids)
    else:
        amend(crate, "#tool", hasPart=[{"@id": "sum.py"}, {"@id": "out.csv"}])
    finding = found(again(crate), "result-not-comparable")
    assert "was there before" in finding.reason


def test_a_folder_of_results_is_not_what_the_commit_has_of_it(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work", {"sum.py": b"", "out/a.csv": b"1"})
    crate = write(tmp_path / "crate", "pass", name="out/a.csv", output=b"1")
    amend(crate, "out/", **{"@type": "Dataset"})
    amend(crate, "#run", result={"@id": "out/"})
    commit = git(work, "rev-parse", "HEAD")
    code = {"codeRepository": "https://example.org/a.git", "version": commit}
    amend(crate, "#tool", **{"@type": ["SoftwareApplication", "SoftwareSourceCode"]})
    amend(crate, "#tool", **code)
    report = again(crate, source=(str(work),))
    assert "the code is that of commit" in found(report, "run-succeeded").reason
    assert found(report, "result-missing").outcome is Outcome.REFUTED


def test_a_run_is_not_reproduced_while_some_result_cannot_be_compared(
    tmp_path: Path,
) -> None:
    crate = write(tmp_path / "crate")
    amend(crate, "#run", result=[{"@id": "out.csv"}, {"@id": "#sum"}])
    amend(crate, "#sum", **{"@type": "PropertyValue", "name": "sum", "value": "4"})
    report = again(crate)
    assert found(report, "result-identical").claim.subject == "out.csv"
    assert found(report, "result-not-comparable").claim.subject == "#sum"
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_a_result_that_was_changed_in_the_crate_is_known_by_its_digest(
    tmp_path: Path,
) -> None:
    crate = write(tmp_path / "crate")
    digest = hashlib.sha256(OUTPUT).hexdigest()
    amend(crate, "out.csv", sha256=digest)
    (crate / "out.csv").write_bytes(b"changed")
    assert found(again(crate), "result-identical").observed == f"sha256:{digest}"
    (crate / "out.csv").write_bytes(OUTPUT)
    amend(crate, "out.csv", sha256="0" * 64)
    reason = found(again(crate), "result-not-comparable").reason
    assert "is not what is recorded any more" in reason


def test_all_digests_of_a_result_must_hold(tmp_path: Path) -> None:
    crate = write(tmp_path / "crate")
    (crate / "out.csv").unlink()
    md5 = hashlib.md5(OUTPUT, usedforsecurity=False).hexdigest()
    amend(crate, "out.csv", md5=md5)
    found(again(crate), "result-identical")
    amend(crate, "out.csv", sha256="0" * 64)
    found(again(crate), "result-not-comparable")


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("import os; os.symlink('sum.py', 'out.csv')", "out.csv"),
        ("import os; os.mkfifo('out.csv')", "out.csv"),
        ("import os; os.symlink('data', 'out')", "out/a.csv"),
    ],
)
def test_what_is_not_taken_over_is_not_missing(
    tmp_path: Path, script: str, name: str
) -> None:
    report = again(write(tmp_path / "crate", script, name=name))
    assert "is not taken over" in found(report, "result-not-comparable").reason


def test_a_result_that_need_not_be_the_same_need_not_be_there(tmp_path: Path) -> None:
    crate = write(tmp_path / "crate", compare='{"method": "ignore"}')
    (crate / "out.csv").unlink()
    assert found(again(crate), "result-ignored").outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    "status", [{"@id": "http://schema.org/FailedActionStatus"}, "FailedActionStatus"]
)
def test_a_run_that_failed_then_and_now_is_not_refuted(
    tmp_path: Path, status: object
) -> None:
    crate = amend(write(tmp_path / "crate", "1 / 0"), "#run", actionStatus=status)
    finding = found(again(crate), "run-failed-again")
    assert finding.outcome is Outcome.UNDETERMINED
    assert "ZeroDivisionError" in finding.reason


def test_a_run_without_the_code_of_its_commit_may_fail_for_want_of_it(
    tmp_path: Path,
) -> None:
    crate = write(tmp_path / "crate", "open('rates.txt')")
    code = {"codeRepository": "https://example.org/a.git", "version": "0" * 40}
    types = ["SoftwareApplication", "SoftwareSourceCode"]
    amend(crate, "#tool", **code, **{"@type": types})
    finding = found(again(crate), "run-failed-elsewhere")
    assert finding.outcome is Outcome.UNDETERMINED
    assert "of its code at commit 000000000000, not all was there" in finding.reason


def test_a_result_may_lie_in_a_folder_that_is_one(tmp_path: Path) -> None:
    crate = write(
        tmp_path / "crate",
        "import os; os.mkdir('out'); open('out/a.csv', 'w').write('1')",
        name="out/a.csv",
        output=b"1",
    )
    amend(crate, "out/", **{"@type": "Dataset"})
    amend(crate, "#run", result=[{"@id": "out/a.csv"}, {"@id": "out/"}])
    report = again(crate, record=tmp_path / "new")
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert (tmp_path / "new" / "run-1" / "out" / "a.csv").read_bytes() == b"1"


def test_a_folder_of_results_with_a_link_in_it_cannot_be_told(tmp_path: Path) -> None:
    script = "import os; os.mkdir('out'); os.symlink('x', 'out/a.csv')"
    crate = write(tmp_path / "crate", script, name="out/a.csv")
    amend(crate, "out/", **{"@type": "Dataset"})
    amend(crate, "#run", result={"@id": "out/"})
    finding = found(again(crate), "result-not-comparable")
    assert "left a link to x at out/a.csv" in finding.reason


@pytest.mark.parametrize("engine", ["make", "notebook", "cwl", "snakemake", "nextflow"])
def test_an_engine_needs_something_that_it_can_run(tmp_path: Path, engine: str) -> None:
    finding = found(again(write(tmp_path / "crate"), engine=engine), "cannot-run")
    assert f"nothing is recorded that {engine} could run" in finding.reason
    assert finding.fix == "Leave out --engine."


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org"])
def test_a_run_that_asks_for_the_network_may_fail_for_want_of_it(
    tmp_path: Path, host: str
) -> None:
    script = f"import socket; socket.create_connection(('{host}', 80), 2)"
    finding = found(again(write(tmp_path / "crate", script)), "run-failed-elsewhere")
    assert finding.outcome is Outcome.UNDETERMINED
    assert "--allow-network" in finding.reason
