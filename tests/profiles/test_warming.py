"""A profile is prepared when it is worth while, and then it is quick."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from reverify.profiles.forking import COLD
from reverify.profiles.processes import Processes
from reverify.profiles.roc_validator import (
    _BLANK_NODE,
    _PREFIXES,
    _VERSIONS,
    CAPSULE,
)
from reverify.profiles.warming import contexts, document

PROFILE = "reverify-capsule-1.0"
TWICE = """
import os, sys
from pathlib import Path
from reverify.profiles import faster, warming, worker
engine = worker.load()
profile, extra, folder = sys.argv[1:]
request = worker.Request(folder, (profile,), (), extra)
warming.warm(engine, profile, request)
assert (profile, extra) in engine.preparation._kept, "it was not prepared"
queries = len(faster._translated)
again = worker.Request(f"{folder}/warm", (profile,), (), extra)
said = worker.run(engine, profile, again)
assert len(faster._translated) == queries, "a query was read again"
print(len(said["checks"]) + len(said["issues"]), flush=True)
os._exit(0)  # it would write a log of its own
"""


def request(folder: Path) -> dict[str, object]:
    crate = folder / "crate"
    crate.mkdir(parents=True)
    (crate / "ro-crate-metadata.json").write_text(json.dumps(document("1.1")))
    return {
        "folder": str(folder),
        "runs": [PROFILE],
        "contexts": contexts("1.1"),
        "extra_profiles": str(CAPSULE),
        "memory": 4 << 30,
        "seconds": 60,
    }


def answers(folder: Path) -> list[str]:
    (line,) = (folder / "answers").read_text().splitlines()
    said = json.loads(line)
    assert not said["error"]
    found = said["checks"] + said["issues"]
    return sorted(_BLANK_NODE.sub("_:b", json.dumps(item)) for item in found)


def test_a_profile_is_prepared_once_when_it_has_been_asked_for_twice(
    tmp_path: Path,
) -> None:
    kept = Processes()
    folders = [tmp_path / str(turn) for turn in range(COLD + 2)]
    for folder in folders:
        assert kept.judge(request(folder), 60) == ""
    kept.close()
    prepared = [(folder / "warm").exists() for folder in folders]
    assert prepared == [False] * COLD + [True, False]
    first, *others = map(answers, folders)
    assert all(first == other for other in others)


def test_what_cannot_be_prepared_is_judged_all_the_same(tmp_path: Path) -> None:
    kept = Processes()
    folders = [tmp_path / str(turn) for turn in range(COLD + 2)]
    for folder in folders:
        asked = request(folder)
        (folder / "warm").write_text("in the way")
        assert kept.judge(asked, 60) == ""
    kept.close()
    first, *others = map(answers, folders)
    assert all(first == other for other in others)


@pytest.mark.parametrize(
    "profile",
    [
        PROFILE,
        *(
            pytest.param(other, marks=pytest.mark.slow)
            for other in sorted({*_VERSIONS.values(), *_PREFIXES.values()} - {PROFILE})
        ),
    ],
)
def test_a_prepared_profile_reads_no_query_again(profile: str, tmp_path: Path) -> None:
    extra = str(CAPSULE) if profile == PROFILE else ""
    answer = subprocess.run(
        [sys.executable, "-c", TWICE, profile, extra, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert int(answer.stdout.splitlines()[-1]) > 10
