"""roc-validator as anybody runs it: its own code, unpatched, with a cache of its own.

The cache is filled with the official contexts first; then it is offline.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from reverify.crates.contexts import terms_of

_SCRIPT = """
import json, socket, sys
from pathlib import Path
import responses
from rocrate_validator import services
from rocrate_validator.models import ValidationSettings
from rocrate_validator.utils.http import HttpRequester

request = json.load(sys.stdin)
HttpRequester.initialize_cache(cache_path=request["cache"], offline=False)
with responses.RequestsMock() as web:
    for url, document in request["contexts"].items():
        web.get(url, json=document, content_type="application/ld+json")
        HttpRequester().get(url, headers={"Accept": "application/ld+json"})

def refuse(*_, **__):
    raise OSError("this test opens no socket")

socket.socket.connect = refuse
answers = []
for job in request["jobs"]:
    result = services.validate(
        ValidationSettings(
            rocrate_uri=job["crate"],
            profile_identifier=job["profile"],
            requirement_severity="RECOMMENDED",
            disable_inherited_profiles_issue_reporting=job["alone"],
            skip_availability_check=True,
            extra_profiles_path=Path(job["extra"]) if job["extra"] else None,
            cache_path=Path(request["cache"]),
            offline=True,
        )
    )
    answers.append(
        {
            "checks": len(result.executed_checks),
            "issues": [[i.check.name, i.message] for i in result.get_issues()],
        }
    )
print("\\n" + json.dumps(answers))
"""


class Job(NamedTuple):
    """A crate to judge.

    Attributes:
        crate: its folder.
        profile: the engine's id of the profile.
        alone: without what the profile inherits.
        extra: a folder of profiles beyond the engine's own.
    """

    crate: Path
    profile: str
    alone: bool = False
    extra: Path | None = None


def judge(jobs: Sequence[Job], cache: Path) -> list[dict[str, Any]]:
    """What plain roc-validator says at RECOMMENDED.

    Returns:
        for each job the number of `checks`, and the `issues`, pairs of check and
        message.
    """
    request = {
        "cache": str(cache / "http"),
        "contexts": {
            f"https://w3id.org/ro/crate/{version}/context": {
                "@context": dict(terms_of(version))
            }
            for version in ("1.1", "1.2", "1.3")
        },
        "jobs": [
            job._asdict()
            | {"crate": str(job.crate), "extra": str(job.extra) if job.extra else ""}
            for job in jobs
        ],
    }
    answer = subprocess.run(
        [sys.executable, "-I", "-c", _SCRIPT],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(answer.stdout.splitlines()[-1])
    return found
