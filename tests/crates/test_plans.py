"""What a crate says of how a run can be run again."""

from pathlib import Path

import pytest
from reverify.crates.opening import open_crate
from reverify.crates.plans import read_plan
from reverify.model.comparison import Method, Rule
from reverify.model.rerun import Package, Plan

from tests.fakes import Json, file, write_crate

TOOL: Json = {"@id": "#tool", "@type": "SoftwareApplication", "name": "sum"}


def plan_of(folder: Path) -> Plan:
    with open_crate(str(folder)) as crate:
        return read_plan(crate, "#run")


def run(**properties: object) -> Json:
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "instrument": {"@id": "#tool"},
        **properties,
    }


def value(name: str, value: object, **properties: object) -> Json:
    return {
        "@id": f"#{name}",
        "@type": "PropertyValue",
        "name": name,
        "value": value,
        **properties,
    }


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ('["sum", "a b.csv"]', ("sum", "a b.csv")),
        ("sum 'a b.csv' -n 2", ("sum", "a b.csv", "-n", "2")),
        (["sum", "a.csv"], ("sum", "a.csv")),
        ("sum a.csv > b.csv", ("sh", "-c", "sum a.csv > b.csv")),
        ("sum $HOME/a.csv", ("sh", "-c", "sum $HOME/a.csv")),
        ("sum 'a|b'", ("sum", "a|b")),
    ],
)
def test_a_command_is_a_list_or_a_line(
    tmp_path: Path, written: object, command: tuple[str, ...]
) -> None:
    action = run(object={"@id": "#command"})
    write_crate(tmp_path, action, TOOL, value("command", written))
    assert plan_of(tmp_path).command == command


@pytest.mark.parametrize("written", ["sum 'a.csv", "", '["sum", "a\\u0000b"]', 5])
def test_what_is_no_command_is_none(tmp_path: Path, written: object) -> None:
    write_crate(
        tmp_path, run(object={"@id": "#command"}), TOOL, value("command", written)
    )
    plan = plan_of(tmp_path)
    assert plan.command == ()
    assert "no command is recorded" in [lack.what for lack in plan.lacks]


def test_a_description_that_names_files_of_the_run_is_a_command(tmp_path: Path) -> None:
    files = {"in a.csv": b"1", "out.csv": b"1"}
    action = run(
        description="sum in\\ a.csv -o out.csv",
        object={"@id": "in%20a.csv"},
        result={"@id": "out.csv"},
    )
    write_crate(
        tmp_path, action, TOOL, file("in%20a.csv"), file("out.csv"), files=files
    )
    assert plan_of(tmp_path).command == ("sum", "in a.csv", "-o", "out.csv")


@pytest.mark.parametrize(
    "text", ["Sum of the rain", "We ran sum on out.csv.", "the sum\nof out.csv"]
)
def test_prose_is_no_command(tmp_path: Path, text: str) -> None:
    action = run(description=text, result={"@id": "out.csv"})
    write_crate(tmp_path, action, TOOL, file("out.csv"), files={"out.csv": b"1"})
    assert plan_of(tmp_path).command == ()


def test_a_file_is_placed_where_the_command_calls_it(tmp_path: Path) -> None:
    digest = "356a192b7913b04c54574d18c28d46e6395428ab"
    entity = {**file(digest), "alternateName": "data/in.csv", "sha1": digest}
    action = run(object=[{"@id": digest}, {"@id": "#command"}])
    command = value("command", "sum --file=data/in.csv")
    write_crate(tmp_path, action, TOOL, command, entity, files={digest: b"1"})
    (item,) = plan_of(tmp_path).inputs
    assert (item.path, item.source) == ("data/in.csv", digest)
    assert item.digests == (("sha1", digest),)


def test_folders_and_collections_are_all_their_files(tmp_path: Path) -> None:
    folder = {"@id": "data/", "@type": "Dataset"}
    both = {
        "@id": "#both",
        "@type": "Collection",
        "hasPart": [{"@id": "data/"}, {"@id": "x.csv"}],
    }
    action = run(object=[{"@id": "#both"}, {"@id": "#command"}])
    files = {"data/a.csv": b"1", "data/sub/b.csv": b"2", "x.csv": b"3"}
    command = value("command", "sum data x.csv")
    write_crate(
        tmp_path, action, TOOL, command, folder, both, file("x.csv"), files=files
    )
    found = [item.path for item in plan_of(tmp_path).inputs]
    assert found == ["data/a.csv", "data/sub/b.csv", "x.csv"]


def test_values_have_the_types_of_their_formal_parameters(tmp_path: Path) -> None:
    kinds: dict[str, tuple[str, str, object]] = {"n": ("4", "Integer", 4)}
    kinds |= {
        "x": ("0.5", "Float", 0.5),
        "b": ("True", "Boolean", True),
        "t": ("4", "Text", "4"),
    }
    kinds |= {"odd": ("four", "Integer", "four")}
    formals = [
        {"@id": f"#f-{n}", "@type": "FormalParameter", "name": n, "additionalType": k}
        for n, (_, k, _) in kinds.items()
    ]
    values = [
        value(f"v-{n}", text, exampleOfWork={"@id": f"#f-{n}"})
        for n, (text, _, _) in kinds.items()
    ]
    action = run(object=[{"@id": each["@id"]} for each in values])
    write_crate(tmp_path, action, TOOL, *formals, *values)
    assert plan_of(tmp_path).parameters == {n: v for n, (_, _, v) in kinds.items()}


@pytest.mark.parametrize(
    ("id", "language", "engine"),
    [
        ("flow.cwl", None, "cwl"),
        ("flow", "Common Workflow Language", "cwl"),
        ("workflow/Snakefile", None, "snakemake"),
        ("main.nf", "Nextflow", "nextflow"),
        ("paper.ipynb", None, "notebook"),
        ("flow.ga", "Galaxy", "none"),
    ],
)
def test_language_or_name_choose_the_engine(
    tmp_path: Path, id: str, language: str | None, engine: str
) -> None:
    types = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    tool: Json = {"@id": id, "@type": types}
    if language:
        tool["programmingLanguage"] = {"@id": "#language"}
    named: Json = {"@id": "#language", "@type": "ComputerLanguage", "name": language}
    action = run(instrument={"@id": id})
    write_crate(tmp_path, action, tool, named, files={id: b"x"})
    plan = plan_of(tmp_path)
    assert (plan.engine, plan.main if engine != "none" else id) == (engine, id)
    galaxy = "nothing here runs Galaxy workflows"
    assert [lack.what for lack in plan.lacks] == [galaxy] * (engine == "none")


def test_a_step_of_a_workflow_is_run_with_it(tmp_path: Path) -> None:
    types = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    flow: Json = {"@id": "flow.cwl", "@type": types, "hasPart": {"@id": "#tool"}}
    whole = {
        "@id": "#whole",
        "@type": "CreateAction",
        "instrument": {"@id": "flow.cwl"},
    }
    write_crate(tmp_path, run(), TOOL, flow, whole, files={"flow.cwl": b"x"})
    (lack,) = plan_of(tmp_path).lacks
    assert lack.what == "it is a step of #whole, and is run with it"


@pytest.mark.parametrize(
    ("action", "others", "lack"),
    [
        (
            {"object": [{"@id": "https://data.example.org/x.csv"}]},
            [file("https://data.example.org/x.csv")],
            (
                "its input https://data.example.org/x.csv is not in the crate, and has"
                " no digest by which it would be known"
            ),
        ),
        (
            {"object": [{"@id": "#command"}]},
            [value("command", "python3 sum.py")],
            "its code sum.py is neither in the crate nor named by a commit",
        ),
        (
            {"object": [{"@id": "#command"}]},
            [value("command", "sum /home/ada/x.csv")],
            "its command names /home/ada/x.csv, a path of the machine it ran on",
        ),
        (
            {"containerImage": "docker.io/lab/sum:latest"},
            [],
            (
                "its container docker.io/lab/sum:latest is named by a tag alone, which"
                " may mean another image by now"
            ),
        ),
    ],
)
def test_what_is_missing_is_told(
    tmp_path: Path, action: Json, others: list[Json], lack: str
) -> None:
    write_crate(tmp_path, run(**action), TOOL, *others)
    assert lack in [each.what for each in plan_of(tmp_path).lacks]


def test_the_rule_of_a_result_is_read(tmp_path: Path) -> None:
    rule = value(
        "compare",
        '{"method": "table", "rtol": 1e-9}',
        propertyID="urn:reverify:capsule:compare",
    )
    result = {**file("out.csv"), "additionalProperty": {"@id": "#compare"}}
    result["encodingFormat"] = "text/csv"
    write_crate(
        tmp_path,
        run(result={"@id": "out.csv"}),
        TOOL,
        rule,
        result,
        files={"out.csv": b"1"},
    )
    (found,) = plan_of(tmp_path).results
    assert found.rule == Rule(method=Method.TABLE, rtol=1e-9)
    assert found.media_type == "text/csv"


def test_what_it_ran_in_is_read(tmp_path: Path) -> None:
    tool = {
        **TOOL,
        "runtimePlatform": {"@id": "#python"},
        "softwareRequirements": [{"@id": "#numpy"}],
        "buildInstructions": {"@id": "requirements.txt"},
    }
    python = {"@id": "#python", "@type": "SoftwareApplication", "name": "CPython"}
    numpy = {"@id": "#numpy", "@type": "SoftwareApplication", "name": "numpy"}
    image = {"@id": "#image", "@type": "ContainerImage", "name": "lab/sum"}
    image |= {"registry": "docker.io", "tag": "1", "sha256": "ab" * 32}
    zone = value("zone", "UTC", propertyID="urn:reverify:capsule:platform-time_zone")
    action = run(containerImage={"@id": "#image"}, additionalProperty={"@id": "#zone"})
    write_crate(
        tmp_path,
        action,
        tool,
        {**python, "version": "3.11.7"},
        {**numpy, "softwareVersion": "2.0"},
        image,
        zone,
        file("requirements.txt"),
        files={"requirements.txt": b"numpy==2.0"},
    )
    found = plan_of(tmp_path).recorded
    assert (found.interpreter, found.version) == ("CPython", "3.11.7")
    assert found.packages == (Package("numpy", "2.0"),)
    assert found.lock_file == "requirements.txt"
    assert found.platform == {"time_zone": "UTC"}
    assert found.container == f"docker.io/lab/sum:1@sha256:{'ab' * 32}"


def test_a_file_that_the_command_calls_is_code(tmp_path: Path) -> None:
    command = value("command", "python3 src/sum.py in.csv")
    action = run(object=[{"@id": "#command"}, {"@id": "in.csv"}])
    files = {"src/sum.py": b"", "in.csv": b"", "python3": b"", "other.py": b""}
    write_crate(tmp_path, action, TOOL, command, file("in.csv"), files=files)
    plan = plan_of(tmp_path)
    assert [item.path for item in plan.code] == ["python3", "src/sum.py"]
    assert plan.lacks == ()


def test_an_input_on_the_web_is_known_by_its_digest(tmp_path: Path) -> None:
    url = "https://data.example.org/x.csv"
    entity = {**file(url), "sha256": "ab" * 32}
    command = value("command", "sum x.csv")
    action = run(object=[{"@id": url}, {"@id": "#command"}])
    write_crate(tmp_path, action, TOOL, command, entity)
    plan = plan_of(tmp_path)
    (item,) = plan.inputs
    assert (item.path, item.source, item.url) == ("x.csv", "", url)
    assert plan.lacks == ()


def test_the_steps_of_a_run_come_in_the_order_in_which_they_ended(
    tmp_path: Path,
) -> None:
    types = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    tools = [{"@id": "#a"}, {"@id": "#b"}]
    flow: Json = {"@id": "flow.cwl", "@type": types, "hasPart": tools}
    steps: list[Json] = [
        {
            "@id": f"#step-{name}",
            "@type": "CreateAction",
            "instrument": {"@id": f"#{name}"},
            "endTime": f"2026-01-31T12:00:0{end}Z",
            "result": {"@id": f"{name}.csv"},
        }
        for name, end in (("a", 2), ("b", 1))
    ]
    data = [{**file(f"{name}.csv"), "sha1": name * 40} for name in "ab"]
    action = run(instrument={"@id": "flow.cwl"})
    write_crate(tmp_path, action, flow, *steps, *data, files={"flow.cwl": b"x"})
    found = plan_of(tmp_path).steps
    assert [step.action for step in found] == ["#step-b", "#step-a"]
    assert found[0].digests == (("sha1", "b" * 40),)


def test_a_word_of_the_command_that_is_part_of_another_names_no_file(
    tmp_path: Path,
) -> None:
    action = run(object=[{"@id": "#command"}], result=[{"@id": "fig/rain.png"}])
    command = value("command", '["python3", "plot.py", "--title", "all.rain"]')
    for name in ("plot", "plot.p", "l.rain"):
        figure = file("fig/rain.png", name=name)
        write_crate(tmp_path, action, TOOL, command, figure)
        (result,) = plan_of(tmp_path).results
        assert result.path == "fig/rain.png"


@pytest.mark.parametrize("word", ["in.csv", "./in.csv", "--file=in.csv", "cat <in.csv"])
def test_the_command_names_files_from_where_it_starts(
    tmp_path: Path, word: str
) -> None:
    place = value(
        "directory", "sub", propertyID="urn:reverify:capsule:working-directory"
    )
    objects = [{"@id": id} for id in ("sub/in.csv", "#command", "#directory")]
    command = value("command", ["sh", "-c", word])
    entity = file("sub/in.csv", name="in.csv")
    files = {"sub/in.csv": b"1"}
    write_crate(
        tmp_path, run(object=objects), TOOL, command, place, entity, files=files
    )
    (item,) = plan_of(tmp_path).inputs
    assert item.path == "sub/in.csv"


@pytest.mark.parametrize("given", ["data/", "./"])
def test_a_folder_of_inputs_is_placed_without_the_results_in_it(
    tmp_path: Path, given: str
) -> None:
    action = run(
        object=[{"@id": given}, {"@id": "#command"}], result=[{"@id": "data/out.csv"}]
    )
    files = {"data/in.csv": b"1", "data/out.csv": b"2"}
    entities = [{"@id": "data/", "@type": "Dataset"}, file("data/out.csv")]
    command = value("command", ["sum", "data/in.csv"])
    write_crate(tmp_path, action, TOOL, command, *entities, files=files)
    found = {item.path for item in plan_of(tmp_path).inputs}
    assert found - {"ro-crate-metadata.json"} == {"data/in.csv"}


def test_a_file_in_a_folder_of_results_is_no_code(tmp_path: Path) -> None:
    action = run(object=[{"@id": "#command"}], result=[{"@id": "out/"}])
    files = {"out/a.csv": b"1", "out/plot.py": b""}
    command = value("command", ["python3", "out/plot.py", "out/a.csv"])
    folder = {"@id": "out/", "@type": "Dataset"}
    write_crate(tmp_path, action, TOOL, command, folder, files=files)
    assert [item.path for item in plan_of(tmp_path).code] == ["out/plot.py"]


def test_results_that_are_no_files_of_the_crate_are_told_apart(tmp_path: Path) -> None:
    ids = ["a.csv", "../b.csv", "https://example.org/c.csv", "./", "gone.csv", "#n"]
    action = run(object=[{"@id": "#command"}], result=[{"@id": id} for id in ids])
    entities = [file(id) for id in ids[:3]] + [value("n", "3")]
    command = value("command", ["sum"])
    write_crate(tmp_path, action, TOOL, command, *entities, files={"a.csv": b"1"})
    plan = plan_of(tmp_path)
    assert [result.id for result in plan.results] == ids[:1]
    assert plan.apart == tuple(ids[1:])


@pytest.mark.parametrize("place", ["a.csv", "a.csv/b.csv"])
def test_no_file_is_put_over_another(tmp_path: Path, place: str) -> None:
    objects = [{"@id": id} for id in ("a.csv", "b.csv", "#command")]
    command = value("command", ["sum", "a.csv", place])
    entities = file("a.csv"), file("b.csv", alternateName=place)
    files = {"a.csv": b"1", "b.csv": b"2"}
    write_crate(tmp_path, run(object=objects), TOOL, command, *entities, files=files)
    (lack,) = plan_of(tmp_path).lacks
    assert f"at {place}" in lack.what


@pytest.mark.parametrize(
    ("key", "value", "digest"),
    [
        ("MD5", "ab" * 16, ("md5", "ab" * 16)),
        ("SHA-256", "ab" * 32, ("sha256", "ab" * 32)),
        ("schema:sha256", "ab" * 32, ("sha256", "ab" * 32)),
        ("http://schema.org/sha256", "AB" * 32, ("sha256", "ab" * 32)),
    ],
)
def test_a_digest_counts_however_its_key_is_written(
    tmp_path: Path, key: str, value: str, digest: tuple[str, str]
) -> None:
    entity = {**file("in.csv"), key: value}
    action = run(object={"@id": "in.csv"})
    write_crate(tmp_path, action, TOOL, entity, files={"in.csv": b"1"})
    (item,) = plan_of(tmp_path).inputs
    assert item.digests == (digest,)


@pytest.mark.parametrize("name", ["command", "parameter", "compare"])
def test_values_that_are_nested_without_end_are_no_json(
    tmp_path: Path, name: str
) -> None:
    deep = "[" * 100_000
    nested = value("deep", deep, propertyID=f"urn:reverify:capsule:{name}")
    result = {**file("out.csv"), "additionalProperty": {"@id": "#deep"}}
    action = run(object={"@id": "#deep"}, result={"@id": "out.csv"})
    write_crate(tmp_path, action, TOOL, nested, result, files={"out.csv": b"1"})
    plan = plan_of(tmp_path)
    said = [lack.what for lack in plan.lacks]
    if name == "compare":
        assert any("how out.csv is to be compared cannot be read" in s for s in said)
    elif name == "parameter":
        assert plan.parameters == {"deep": deep}
    else:
        assert plan.command == (deep,)
