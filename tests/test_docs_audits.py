"""What the pages on audits print works as it is printed."""

import base64
import configparser
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from reverify.audits.telling.means import read_server
from reverify.audits.telling.metrics import metrics
from reverify.audits.telling.targets import read_target
from reverify.audits.telling.webhook import signed
from reverify.cli import app
from reverify.services.clock import SystemClock
from reverify.settings import NAMES, TOLD, read_duration
from typer.main import get_command

from tests.audits.telling.changes import notice, run
from tests.audits.telling.test_metrics import overview, read
from tests.conftest import ROOT

HOW_TO = ROOT / "docs" / "how-to"
TOLD_PAGE, SCHEDULE, CLUSTER = (
    (HOW_TO / f"{name}.md").read_text(encoding="utf-8")
    for name in ("be-told", "schedule-audits", "audit-on-a-cluster")
)
PAGES = {"be-told": TOLD_PAGE, "schedule": SCHEDULE, "cluster": CLUSTER}
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAM = "/opt/reverify/bin/reverify"


def _any(_: str) -> object:
    return None


def _matching(form: str) -> Callable[[str], object]:
    def check(text: str) -> object:
        assert re.fullmatch(form, text), text
        return None

    return check


# What `reverify audit run` takes, and how its values are read; None for a flag.
OPTIONS: dict[str, Callable[[str], object] | None] = {
    "--list": _any,
    "--registry": None,
    "--full": None,
    "--full-every": _matching("[0-9]+[dwmy]"),
    "--sample": _matching("[0-9]+(%|[kMGT]?B)?"),
    "--max-time": read_duration,
    "--max-bytes": _matching("[0-9]+[kMGT]?B"),
    "--nice": int,
    "--jobs": int,
    "--dask": _matching(r"(tcp|tls)://[A-Za-z0-9.-]+:[0-9]+|\$address"),
    "--notify": read_target,
    "--metrics": _matching("/.+[.]prom"),
    "--fail-on": _matching("new|any"),
    "--wait": None,
    "--policy": _any,
    "--offline": None,
    "--json": None,
    "-q": None,
}


def test_the_options_are_those_of_the_command() -> None:
    group = get_command(app).commands["audit"]  # type: ignore[attr-defined]
    names = {name for each in group.commands["run"].params for name in each.opts}
    assert OPTIONS.keys() <= names


def blocks(page: str, kind: str, marker: str = "") -> list[str]:
    """The blocks of a kind in a page that have the marker in them."""
    return [
        text for each, text in FENCE.findall(page) if each == kind and marker in text
    ]


def block(page: str, kind: str, marker: str) -> str:
    [found] = blocks(page, kind, marker)
    return found


def look_at(words: list[str]) -> None:
    """See that a call of `audit run` can be made, all of its options included."""
    assert words[:2] == ["audit", "run"], words
    rest, roots = words[2:], []
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("-"):
            roots.append(name)
        elif OPTIONS[name] is None:
            assert not equals, name
        else:
            check = OPTIONS[name]
            assert check is not None
            check(value if equals else rest.pop(0))
    assert len(roots) == 1, roots
    assert roots[0].startswith(("/srv/", "$crates"))


def calls(page: str) -> Iterator[list[str]]:
    """The words of all calls of reverify in blocks that a shell could read."""
    for text in blocks(page, "text", "reverify"):
        for line in text.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^|/|\"\$bin/)reverify\"? (audit run .*)$", line)
            if found:
                yield shlex.split(found[1].replace("\\%", "%"))


@pytest.mark.parametrize("page", PAGES)
def test_every_call_can_be_made(page: str) -> None:
    found = list(calls(PAGES[page]))
    assert found
    for words in found:
        look_at(words)


def test_a_call_that_cannot_be_made_is_seen() -> None:
    with pytest.raises(KeyError):
        look_at("audit run --notfy mailto:a@b.example /srv/crates".split())


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_of_ours_is_one(page: str) -> None:
    known = {f"REVERIFY_{name.upper()}" for name in (*NAMES, *TOLD)}
    assert set(re.findall(r"\bREVERIFY_[A-Z_]+[A-Z]", PAGES[page])) <= known


# -- being told --------------------------------------------------------------------


def reader() -> Callable[[str, dict[str, str], bytes], Any]:
    """The function that the page gives to receivers."""
    found: dict[str, Any] = {}
    exec(block(TOLD_PAGE, "python", "webhook-id"), found)
    read_notice: Callable[[str, dict[str, str], bytes], Any] = found["read_notice"]
    return read_notice


KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


def test_a_receiver_as_in_the_page_reads_a_notice() -> None:
    body = notice().to_json()
    headers = signed(notice().id, SystemClock().now(), body, KEY)
    assert reader()(SECRET, headers, body) == notice().to_dict()
    rotated = headers["webhook-signature"]
    headers["webhook-signature"] = f"v1,other= v2,unknown {rotated}"
    assert reader()(SECRET, headers, body) == notice().to_dict()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"webhook-id": "0" * 32}, "not signed"),
        ({"webhook-timestamp": "earlier"}, "not signed"),
        ({"webhook-timestamp": "1000000000"}, "too long ago"),
        ({"webhook-signature": ""}, "not signed"),
        ({"webhook-signature": "v1,AAAA v1,ÄÄÄÄ"}, "not signed"),
    ],
)
def test_a_receiver_as_in_the_page_takes_no_other(
    change: dict[str, str], reason: str
) -> None:
    body = notice().to_json()
    if change.get("webhook-timestamp") == "earlier":
        change = {"webhook-timestamp": str(int(time.time()) - 5)}
    headers = signed(notice().id, SystemClock().now(), body, KEY) | change
    with pytest.raises(ValueError, match=reason):
        reader()(SECRET, headers, body)


def test_a_receiver_as_in_the_page_takes_no_other_body() -> None:
    body = notice().to_json()
    headers = signed(notice().id, SystemClock().now(), body, KEY)
    with pytest.raises(ValueError, match="not signed"):
        reader()(SECRET, headers, body + b" ")


def test_the_addresses_of_servers_can_be_used() -> None:
    shown = re.findall(r"`(smtps?://[^`]+)`", TOLD_PAGE)
    assert [read_server(each).port for each in shown] == [25, 587, 465]


def test_every_metric_has_its_row_and_every_row_its_metric() -> None:
    rows = re.findall(
        r"^\| `(reverify_audit_\w+)` \| (.*?) \|", TOLD_PAGE, re.MULTILINE
    )
    labels = {name: set(re.findall(r"`(\w+)`", said)) for name, said in rows}
    assert labels == {
        name: {label for sample in samples for label, _ in sample}
        for name, samples in read(metrics(overview(run()))).items()
    }


def test_the_rules_ask_for_metrics_that_are_there() -> None:
    [group] = yaml.safe_load(block(TOLD_PAGE, "yaml", "alert"))["groups"]
    known = read(metrics(overview(run())))
    for rule in group["rules"]:
        found = re.search(r"(reverify_audit_\w+)(?:\{(\w+)=\"(\w+)\"\})?", rule["expr"])
        assert found is not None
        label = {(found[2], found[3])} if found[2] else set()
        assert any(label <= sample for sample in known[found[1]])


# -- systemd and cron --------------------------------------------------------------


def unit(marker: str) -> configparser.ConfigParser:
    """A unit; of keys that come twice, the values are in lines."""

    class Twice(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401
            if key in self and isinstance(value, list):
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = configparser.ConfigParser(
        dict_type=Twice, strict=False, interpolation=None, delimiters="="
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = block(SCHEDULE, "ini", marker)
    parser.read_string(text.replace("\\\n", " "))
    return parser


def test_the_service_runs_an_audit() -> None:
    service = unit("ExecStart")
    assert service.sections() == ["Unit", "Service"]
    assert service["Service"]["Type"] == "oneshot"
    program, *words = shlex.split(service["Service"]["ExecStart"])
    assert program == PROGRAM
    assert all("%" not in word.replace("%%", "") for word in words)
    look_at([word.replace("%%", "%") for word in words])


def test_the_timer_starts_it_at_times_that_there_are() -> None:
    timer = unit("OnCalendar")
    assert timer.sections() == ["Unit", "Timer", "Install"]
    assert timer["Install"]["WantedBy"] == "timers.target"
    when = timer["Timer"]["OnCalendar"]
    assert re.fullmatch(r"\*-\*-\* [0-2][0-9]:[0-5][0-9]:[0-5][0-9]", when)


def test_systemd_has_nothing_against_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is missing")
    stub = tmp_path / "reverify"
    stub.write_text("#!/bin/sh\n")
    stub.chmod(0o755)
    names = {
        "reverify-audit.service": "ExecStart",
        "reverify-audit.timer": "OnCalendar",
    }
    for name, marker in names.items():
        text = block(SCHEDULE, "ini", marker).replace(PROGRAM, str(stub))
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in names]
    answer = subprocess.run(
        [program, "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    when = unit("OnCalendar")["Timer"]["OnCalendar"]
    subprocess.run([program, "calendar", when], capture_output=True, check=True)


def test_the_line_of_cron_has_five_fields_and_a_command() -> None:
    text = block(SCHEDULE, "text", "0 1 * * *")
    *variables, line = text.splitlines()
    assert all(re.fullmatch("[A-Z_]+=[^$%]+", each) for each in variables)
    *fields, command = line.split(" ", 5)
    assert len(fields) == 5
    for field, most in zip(fields, (59, 23, 31, 12, 7), strict=True):
        assert field == "*" or 0 <= int(field) <= most
    assert "%" not in command.replace("\\%", "")
    assert command.startswith(f"{PROGRAM} audit run ")


# -- Kubernetes --------------------------------------------------------------------


VERSIONS = {
    "CronJob": "batch/v1",
    "Job": "batch/v1",
    "Deployment": "apps/v1",
    "Service": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}


def documents() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in (SCHEDULE, CLUSTER):
        for text in blocks(page, "yaml"):
            found += yaml.safe_load_all(text)
    return found


def pod_of(document: dict[str, Any]) -> dict[str, Any] | None:
    """The template of the pods that an object makes."""
    spec = document["spec"]
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] | None = spec.get("template")
    return template


@pytest.mark.parametrize(
    "document",
    documents(),
    ids=lambda each: f"{each['kind']} {each['metadata']['name']}",
)
def test_every_object_of_kubernetes_is_whole(document: dict[str, Any]) -> None:
    assert document["apiVersion"] == VERSIONS[document["kind"]]
    assert re.fullmatch("[a-z0-9]([a-z0-9-]*[a-z0-9])?", document["metadata"]["name"])
    template = pod_of(document)
    if template is None:
        assert document["kind"] in {"Service", "NetworkPolicy"}
        return
    pod = template["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    volumes = {volume["name"] for volume in pod.get("volumes", ())}
    for container in pod["containers"]:
        assert {"name", "image", "resources"} <= set(container)
        mounts = container.get("volumeMounts", ())
        assert {mount["name"] for mount in mounts} == volumes
        assert all(m.get("readOnly") for m in mounts if m["name"] == "crates")
        for name in container.get("args", container.get("command")):
            assert isinstance(name, str), name
    if document["kind"] in {"Job", "CronJob"}:
        assert pod["restartPolicy"] == "Never"
        [container] = pod["containers"]
        look_at(container["args"])
    else:
        labels = template["metadata"]["labels"]
        assert document["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_what_is_selected_is_there() -> None:
    pods = [pod["metadata"]["labels"] for each in documents() if (pod := pod_of(each))]
    [service] = [each for each in documents() if each["kind"] == "Service"]
    chosen = service["spec"]["selector"].items()
    assert sum(chosen <= labels.items() for labels in pods) == 1
    [policy] = [each for each in documents() if each["kind"] == "NetworkPolicy"]
    chosen = policy["spec"]["podSelector"]["matchLabels"].items()
    assert all(chosen <= labels.items() for labels in pods)
    assert f"tcp://{service['metadata']['name']}:8786" in CLUSTER


# -- shell -------------------------------------------------------------------------


def scripts() -> list[str]:
    return [text for page in PAGES.values() for text in blocks(page, "text", "#!/bin/")]


@pytest.mark.parametrize("script", scripts(), ids=lambda text: text.split("\n")[1][:20])
def test_every_script_can_be_read_by_its_shell(script: str, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script)
    shell = script.partition("\n")[0].removeprefix("#!")
    answer = subprocess.run(
        [shell, "-n", str(path)], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    checker = shutil.which("shellcheck")
    if checker is not None:
        subprocess.run([checker, str(path)], check=True)


def test_there_are_scripts() -> None:
    assert len(scripts()) == 2
