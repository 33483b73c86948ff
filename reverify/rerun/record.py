"""The new run as a Process Run Crate of its own, which points to the old one."""

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reverify.crates.crate import Crate
from reverify.errors import LackError
from reverify.model.finding import timestamp
from reverify.model.rerun import Attempt, Compared, Plan
from reverify.version import __version__

Entity = dict[str, Any]

SPECIFICATION = "https://w3id.org/ro/crate/1.2"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
COMPLETED = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"
TOOL = "https://pypi.org/project/reverify/"


class Recorder:
    """Writes each new run into one crate.

    Args:
        folder: where the crate goes; made if it is not there, and empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entities: dict[str, Entity] = {}
        self._runs: list[str] = []

    def add(
        self,
        plan: Plan,
        crate: Crate,
        attempt: Attempt,
        compared: Sequence[tuple[Compared, Path]],
        *,
        started: datetime,
        ended: datetime,
    ) -> None:
        """Add a run: what it gave is copied, what it read is named by its digest.

        Raises:
            LackError: the crate cannot be written.

        Source: Process Run Crate 0.5, "Requirements".
        """
        number = len(self._runs) + 1
        run, base = f"#run-{number}", f"run-{number}/"
        try:
            results = [
                self._result(base, each, path)
                for each, path in compared
                if path.exists()
            ]
        except (OSError, shutil.Error) as error:
            raise self._lack(error) from error
        old = self._old(crate)
        tool = self._put(
            {
                "@id": f"#code-{number}",
                "@type": "SoftwareApplication",
                "name": _name_of_tool(plan, crate),
                # Both must be said. What is not recorded is what the old crate says.
                "version": plan.commit or f"as in {old['@id']}",
                "url": plan.origin if "://" in plan.origin else old,
            }
        )
        over = attempt.status == 0
        self._put(
            {
                "@id": run,
                "@type": "CreateAction",
                "name": f"New run of {plan.action}",
                "description": shlex.join(attempt.command),
                "instrument": tool,
                "object": _one_or_all([old, *self._inputs(plan)]),
                "result": _one_or_all(results),
                "startTime": _moment(started),
                "endTime": _moment(ended),
                "actionStatus": COMPLETED if over else FAILED,
                **({} if over else {"error": _error(attempt)}),
            }
        )
        self._runs.append(run)
        self._verification(number, compared, old, ended)
        self._write(crate, ended)

    def _put(self, entity: Entity) -> Entity:
        """Put an entity into the graph, and give a reference to it."""
        self._entities.setdefault(entity["@id"], entity)
        return {"@id": entity["@id"]}

    def _old(self, crate: Crate) -> Entity:
        """The metadata document of the crate that was run again, by its digest."""
        data = b""
        if crate.metadata is not None:
            data = crate.payload.read(crate.metadata.file, 1 << 30)
        digest = hashlib.sha256(data).hexdigest()
        root = crate.metadata.root if crate.metadata else None
        name = (root.text("name") if root else None) or "The crate that was run again"
        return self._put(
            {
                "@id": f"urn:sha256:{digest}",
                "@type": "CreativeWork",
                "name": name,
                "description": "The crate whose recorded run was run again, by the"
                " sha256 of its metadata document.",
                "identifier": f"sha256:{digest}",
            }
        )

    def _inputs(self, plan: Plan) -> Iterator[Entity]:
        for item in plan.inputs:
            if item.digests:
                name, digest = item.digests[0]
                yield self._put(
                    {
                        "@id": f"urn:{name}:{digest}",
                        "@type": "CreativeWork",
                        "name": item.path,
                        "identifier": f"{name}:{digest}",
                    }
                )

    def _result(self, base: str, each: Compared, path: Path) -> Entity:
        target = self._folder / base / each.result.path
        target.parent.mkdir(parents=True, exist_ok=True)
        id = quote(os.fsencode(base + each.result.path), safe="/!$&'()*+,;=@")
        if path.is_dir():
            # A file in it may be a result of its own, and be there already.
            shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True)
            return self._put(
                {
                    "@id": f"{id}/",
                    "@type": "Dataset",
                    "name": each.result.path,
                    "description": each.comparison.describe(),
                }
            )
        shutil.copyfile(path, target)
        media_type = each.result.media_type
        return self._put(
            {
                "@id": id,
                "@type": "File",
                "name": each.result.path,
                "description": each.comparison.describe(),
                "contentSize": str(target.stat().st_size),
                "sha256": each.digest.removeprefix("sha256:"),
                **({"encodingFormat": media_type} if media_type else {}),
            }
        )

    def _verification(
        self,
        number: int,
        compared: Sequence[tuple[Compared, Path]],
        old: Entity,
        ended: datetime,
    ) -> None:
        """What came of comparing, as an action of ours."""
        if not compared:
            return
        tool = self._put(
            {
                "@id": TOOL,
                "@type": "SoftwareApplication",
                "name": "reverify",
                "version": __version__,
                "url": TOOL,
            }
        )
        answers = [
            self._put(
                {
                    "@id": f"#answer-{number}-{index}",
                    "@type": "PropertyValue",
                    "name": f"comparison of {each.result.path}",
                    "value": each.comparison.answer.value,
                    "description": each.comparison.describe(),
                }
            )
            for index, (each, _) in enumerate(compared, 1)
        ]
        id = f"#comparison-{number}"
        self._put(
            {
                "@id": id,
                "@type": "CreateAction",
                "name": "Comparison of the new results with the recorded ones",
                "description": "Each new result was compared with the recorded one.",
                "instrument": tool,
                "object": old,
                "result": _one_or_all(answers),
                "endTime": _moment(ended),
                "actionStatus": COMPLETED,
            }
        )
        self._runs.append(id)

    def _write(self, crate: Crate, now: datetime) -> None:
        files = [
            {"@id": id}
            for id, entity in self._entities.items()
            if entity["@type"] in {"File", "Dataset"}
        ]
        root = {
            "@id": "./",
            "@type": "Dataset",
            "name": f"New run of {_title(crate)}",
            "description": "What recorded runs gave when they were run again, and how"
            " that compares with what they had given.",
            "datePublished": timestamp(now),
            "conformsTo": {"@id": PROFILE},
            "isBasedOn": self._old(crate),
            "hasPart": _one_or_all(files),
            "mentions": _one_or_all([{"@id": run} for run in self._runs]),
            **self._license(crate),
        }
        profile = {
            "@id": PROFILE,
            "@type": ["CreativeWork", "Profile"],
            "name": "Process Run Crate",
            "version": "0.5",
        }
        descriptor = {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": SPECIFICATION},
        }
        graph = [descriptor, root, profile, *self._entities.values()]
        document = {"@context": f"{SPECIFICATION}/context", "@graph": graph}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            target = self._folder / "ro-crate-metadata.json"
            target.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise self._lack(error) from error

    def _license(self, crate: Crate) -> Entity:
        """The licence of the old crate, where it names one by its address."""
        metadata = crate.metadata
        if metadata is None or metadata.root is None:
            return {}
        for id in metadata.references(metadata.root, "license"):
            known = metadata.by_id.get(id)
            if "://" in id:
                name = (known.text("name") if known else None) or id
                description = (known.text("description") if known else None) or name
                return {
                    "license": self._put(
                        {
                            "@id": id,
                            "@type": "CreativeWork",
                            "name": name,
                            "description": description,
                        }
                    )
                }
        return {}

    def _lack(self, error: Exception) -> LackError:
        said = getattr(error, "strerror", None) or error
        return LackError(
            f"the new run cannot be written to {self._folder}: {said}",
            "Name another folder: --format ro-crate=DIR.",
        )


def _one_or_all(values: list[Entity]) -> Entity | list[Entity]:
    """A single value stands by itself."""
    return values[0] if len(values) == 1 else values


def _moment(time: datetime) -> str:
    """A time as the run profiles take it, `2026-01-31T12:00:00.000+00:00`."""
    return time.isoformat(timespec="milliseconds")


def _title(crate: Crate) -> str:
    root = crate.metadata.root if crate.metadata else None
    return (root.text("name") if root else None) or crate.location


def _name_of_tool(plan: Plan, crate: Crate) -> str:
    metadata = crate.metadata
    if metadata is not None:
        for id in metadata.references(metadata.by_id[plan.action], "instrument"):
            known = metadata.by_id.get(id)
            return (known.text("name") if known else None) or id
    return plan.main or "the code that was run"


def _error(attempt: Attempt) -> str:
    if attempt.stopped:
        return f"stopped: {attempt.stopped}"
    return f"exit status {attempt.status}"
