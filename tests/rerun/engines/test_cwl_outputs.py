"""Where the results of a CWL workflow turned up."""

import dataclasses
import json
from pathlib import Path

import pytest
from reverify.model.rerun import Item, Plan, Result
from reverify.rerun.engines import ENGINES
from reverify.rerun.interface import Prepared, Ran

from tests.rerun.running import run, stage

SHA1 = "02fb4653086f4d348bf3c9075c50282a539173b7"
PLAN = Plan(action="#run", engine="cwl", main="packed.cwl")
RAN = Ran(
    status=0,
    stopped="",
    seconds=1,
    memory=0,
    output=b"",
    errors=b"",
    written=Path(),
)


def found(
    written: Path,
    outputs: object,
    *results: Result,
    moved: dict[str, str] | None = None,
) -> dict[str, str]:
    ran = dataclasses.replace(RAN, output=json.dumps(outputs).encode(), written=written)
    plan = dataclasses.replace(PLAN, results=results)
    prepared = Prepared(("cwltool",), {}, moved or {})
    return dict(ENGINES["cwl"].found(plan, prepared, ran))


def output(path: str, sha1: str = "0", kind: str = "File") -> dict[str, str]:
    return {"class": kind, "location": f"file://{path}", "checksum": f"sha1${sha1}"}


def write(written: Path, *paths: str) -> None:
    for path in paths:
        (written / path).parent.mkdir(parents=True, exist_ok=True)
        (written / path).touch()


def result(path: str, parameter: str, sha1: str = "") -> Result:
    digests = (("sha1", sha1),) if sha1 else ()
    return Result(path, path, path, digests, parameter=parameter)


def test_a_result_kept_under_its_digest_is_the_output_of_its_parameter(
    tmp_path: Path,
) -> None:
    area = stage(tmp_path / "area", "cwl", "command", rain="0a1b")
    plan = dataclasses.replace(
        PLAN,
        main="sum.cwl",
        parameters={"least": 4.5},
        inputs=(
            Item("0a1b", "0a1b", "0a1b", (), "rain", "rain.csv"),
            Item("sum.py", "sum.py", "sum.py", (), "script"),
        ),
        results=(result(SHA1, "sums", SHA1), result("7d29", "wet")),
    )
    ran, prepared = run(plan, area)
    assert ran.status == 0, ran.errors.decode()
    where = ENGINES["cwl"].found(plan, prepared, ran)
    assert where == {SHA1: "sums.csv", "7d29": "wet.txt"}
    # The tool saw the input under the name that it had when it was recorded.
    assert b"/rain.csv" in ran.errors


def test_of_several_outputs_the_one_with_the_digest_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "out/a", "out/b", "out/c")
    outputs = {"all": [output("/w/out/a", "1"), output("/w/out/b", "2")]}
    where = found(tmp_path, outputs, result("x", "all", "2"), result("y", "all", "1"))
    assert where == {"x": "out/b", "y": "out/a"}


def test_of_several_outputs_the_one_of_that_name_comes_before_the_first(
    tmp_path: Path,
) -> None:
    write(tmp_path, "a", "b", "c")
    outputs = {"#main/all": [output(f"/w/{name}") for name in "abc"]}
    where = found(tmp_path, outputs, result("x", "all"), result("kept/a", "all"))
    assert where == {"x": "b", "kept/a": "a"}


def test_names_in_addresses_are_decoded_and_secondary_files_count(
    tmp_path: Path,
) -> None:
    write(tmp_path, "a b", "a b.idx")
    both = {**output("/w/a%20b"), "secondaryFiles": [output("/w/a%20b.idx", "9")]}
    where = found(tmp_path, {"o": both}, result("i", "o", "9"), result("m", "o"))
    assert where == {"i": "a b.idx", "m": "a b"}


@pytest.mark.parametrize(
    "place", ["/../../etc/passwd", "/etc/../a", "/nowhere", "[", "/a\0"]
)
def test_an_output_outside_of_the_work_area_is_none(tmp_path: Path, place: str) -> None:
    write(tmp_path, "a", "etc")
    where = found(
        tmp_path, {"o": output(place)}, result("x", "o"), moved={"x": "said.txt"}
    )
    assert where == {"x": "said.txt"}


@pytest.mark.parametrize("said", [b"", b"[1]", b"{", b'{"o": 3}', b"[" * 100_000])
def test_where_cwltool_says_nothing_it_is_where_it_was_foreseen(
    tmp_path: Path, said: bytes
) -> None:
    ran = dataclasses.replace(RAN, output=said, written=tmp_path)
    plan = dataclasses.replace(PLAN, results=(result("x", "o"),))
    prepared = Prepared(("cwltool",), {}, {"x": "y"})
    assert ENGINES["cwl"].found(plan, prepared, ran) == {"x": "y"}


def test_other_engines_foresee_it() -> None:
    prepared = Prepared(("true",), {}, {"x": "y"})
    assert ENGINES["make"].found(PLAN, prepared, RAN) == {"x": "y"}
