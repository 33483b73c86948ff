"""The one door to roc-validator: a child process, offline, limited, its ids made ours.

The engine never sees the user's files. It is given a folder of ours with the metadata
document, an empty file for each file that the document names and the crate has, and
the preview, whose text one rule looks at.
"""

import contextlib
import json
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reverify.crates.crate import Crate
from reverify.crates.limits import MIB
from reverify.crates.metadata import DESCRIPTORS, SPEC_PREFIX, Metadata
from reverify.crates.payload import EntryKind
from reverify.errors import CrateError
from reverify.model.outcome import Severity
from reverify.profiles.interface import Breach, Judgement, Passed
from reverify.profiles.processes import Processes

_SEVERITIES = {
    "REQUIRED": Severity.ERROR,
    "RECOMMENDED": Severity.WARNING,
    "OPTIONAL": Severity.NOTE,
}
_VERSIONS = {
    "1.1": "ro-crate-1.1",
    "1.1-DRAFT": "ro-crate-1.1",
    "1.2": "ro-crate-1.2",
    "1.2-DRAFT": "ro-crate-1.2",
    "1.3": "ro-crate-1.3",
    "1.4-DRAFT": "ro-crate-1.3",
}
_PREFIXES = {
    "https://w3id.org/ro/wfrun/process/": "process-run-crate-0.5",
    "https://w3id.org/ro/wfrun/workflow/": "workflow-run-crate-0.5",
    "https://w3id.org/ro/wfrun/provenance/": "provenance-run-crate-0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/": "workflow-ro-crate-1.0",
    "https://about.workflowhub.eu/Workflow-RO-Crate": "workflow-ro-crate-1.0",
    "https://w3id.org/ro/wftest/": "workflow-testing-ro-crate-0.1",
    "https://github.com/nfdi4plants/isa-ro-crate-profile": "isa-ro-crate",
    "urn:reverify:profile:capsule:": "reverify-capsule-1.0",
}
CAPSULE = Path(__file__).with_name("capsule")
"""The folder of our own profile, in the engine's format."""
_STANDS_ALONE = frozenset({"reverify-capsule-1.0"})
"""Profiles that do not build on RO-Crate 1.1 in the engine's sense."""
_BUILDS_ON = {
    "workflow-run-crate-0.5": ("process-run-crate-0.5", "workflow-ro-crate-1.0"),
    "provenance-run-crate-0.5": (
        "process-run-crate-0.5",
        "workflow-ro-crate-1.0",
        "workflow-run-crate-0.5",
    ),
    "workflow-testing-ro-crate-0.1": ("workflow-ro-crate-1.0",),
}
_BASE_OF_ALL = "ro-crate-1.1"
_ASKS_THE_NETWORK = frozenset(
    {
        "Web-based Data Entity: resource availability",
        "Web-based Data Entity: `contentSize` matches downloadable content",
        "Web-based Data Entity: RECOMMENDED resource availability",
        "Web-based Data Entity: REQUIRED resource availability",
        "Web-based Data Entity: `contentSize` property",
        "Web-based Data Entity: `contentUrl` availability",
        "Dataset: distribution SHOULD be downloadable",
        "Root Data Entity: identifier SHOULD resolve to RO-Crate content",
        "Root Data Entity: `cite-as` MUST reference a downloadable item",
    }
)
_WFRUN_PAGES = "https://www.researchobject.org/workflow-run-crate/profiles/0.5"
_PAGES = {
    "process-run-crate-0.5": f"{_WFRUN_PAGES}/process_run_crate/",
    "workflow-run-crate-0.5": f"{_WFRUN_PAGES}/workflow_run_crate/",
    "provenance-run-crate-0.5": f"{_WFRUN_PAGES}/provenance_run_crate/",
    "workflow-ro-crate-1.0": "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    "workflow-testing-ro-crate-0.1": "https://w3id.org/ro/wftest/0.1",
    "isa-ro-crate": "https://github.com/nfdi4plants/isa-ro-crate-profile",
}
_CHAPTERS = (
    ("file_descriptor", "root-data-entity.html#ro-crate-metadata-file-descriptor"),
    ("preview", "structure.html"),
    ("root_data_entity", "root-data-entity.html"),
    ("web_data", "data-entities.html#web-based-data-entities"),
    ("data_entit", "data-entities.html"),
    ("director", "data-entities.html"),
    ("file_", "data-entities.html"),
    ("contextual", "contextual-entities.html"),
    ("person", "contextual-entities.html#people"),
    ("organization", "contextual-entities.html#organizations-as-values"),
    ("license", "contextual-entities.html#licensing-access-control-and-copyright"),
    ("workflow", "workflows.html"),
    ("script", "workflows.html"),
    ("referenced", "data-entities.html"),
)
_QUOTED = re.compile(r"'([^']+)'|`([^`]+)`|\"([^\"]+)\"|(https?://[^\s,]+)")
_BLANK_NODE = re.compile(r"\b[nN][0-9a-f]{32}(?:b[0-9]+)?\b")
_PREVIEW_BYTES = 4 * MIB
Json = dict[str, Any]


def plain_name(name: str) -> str:
    """The name of a check, without the blank nodes that differ from run to run."""
    return _BLANK_NODE.sub("A property", name)


def slug(name: str) -> str:
    """Make the permanent part of a rule's id out of the name of a check."""
    plain = (
        unicodedata.normalize("NFKD", plain_name(name))
        .encode("ascii", "ignore")
        .decode()
    )
    words = re.findall("[a-z0-9]+", plain.replace("@", "at-").lower())
    return "-".join(words)


def clause_of(profile: str, file: str) -> str:
    """The address of the clause that a check of a profile comes from."""
    if not profile.startswith("ro-crate-"):
        return _PAGES.get(profile, "")
    version = profile.removeprefix("ro-crate-")
    base = f"https://www.researchobject.org/ro-crate/specification/{version}/"
    for word, page in _CHAPTERS:
        if word in file:
            return base + page
    return base


class RocValidator:
    """Judges crates with roc-validator."""

    def __init__(self) -> None:
        self._processes = Processes()

    @property
    def name(self) -> str:
        """Name and version of the engine."""
        from importlib import metadata  # noqa: PLC0415 - slow, and seldom wanted

        return f"roc-validator {metadata.version('roc-validator')}"

    def start(self) -> None:
        """Have a process ready by the time a crate is."""
        self._processes.start()

    def close(self) -> None:
        """Stop the processes that wait for more."""
        self._processes.close()

    def profile_of(self, uri: str) -> str | None:
        """The engine's id of the profile behind a URI; None if it has none."""
        if uri.startswith(SPEC_PREFIX):
            return _VERSIONS.get(uri.removeprefix(SPEC_PREFIX).rstrip("/"))
        for prefix, profile in _PREFIXES.items():
            if uri.startswith(prefix):
                return profile
        return uri if uri in {*_VERSIONS.values(), *_PREFIXES.values()} else None

    def judge(self, crate: Crate, profiles: Sequence[str]) -> list[Judgement]:
        """Judge a crate under some profiles and all that they build on.

        Run profiles are judged apart from the version of RO-Crate, since the engine
        lets all of them build on 1.1 whatever the crate says.
        """
        metadata = crate.metadata
        if metadata is None or not profiles:
            return []
        wanted = list(dict.fromkeys(profiles))
        implied = {p for leaf in wanted for p in _BUILDS_ON.get(leaf, ())}
        wanted += sorted(implied - set(wanted))
        obstacle = _obstacle(crate, metadata)
        if obstacle:
            return [Judgement(profile=p, obstacle=obstacle) for p in wanted]
        runs = _runs(wanted, implied)
        answers = self._ask(crate, metadata, runs)
        return [_judgement(profile, runs, answers, metadata) for profile in wanted]

    def _ask(
        self, crate: Crate, metadata: Metadata, runs: Sequence[str]
    ) -> dict[str, Json]:
        """Have a process judge one crate; its failure is an answer too."""
        limits = crate.budget.limits
        seconds = min(limits.engine_seconds * len(runs), crate.budget.seconds_left)
        with tempfile.TemporaryDirectory(prefix="reverify-") as folder:
            detached = _stage(crate, metadata, Path(folder) / "crate")
            request = {
                "folder": folder,
                "runs": list(runs),
                "contexts": _contexts(metadata),
                "extra_profiles": str(CAPSULE) if _STANDS_ALONE & {*runs} else "",
                "metadata_only": crate.is_document,
                "detached": detached,
                "memory": limits.engine_bytes,
                "seconds": seconds,
            }
            try:
                failure = self._processes.judge(request, max(seconds, 1))
                answers = _answers(Path(folder) / "answers")
            except TimeoutError:
                failure, answers = f"it took longer than {seconds:.0f} seconds", {}
        for run in runs:
            text = failure or "it gave no answer"
            answers.setdefault(run, {"checks": [], "issues": [], "error": text})
        return answers


def _answers(path: Path) -> dict[str, Json]:
    """What was written down before the process ended, by profile."""
    answers = {}
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                answer = json.loads(line)
                answers[answer["profile"]] = answer
    return answers


def _obstacle(crate: Crate, metadata: Metadata) -> str:
    limit = crate.budget.limits.graph_entities
    if not metadata.readable:
        return "its metadata document cannot be read"
    if not metadata.context.terms and not metadata.context.obstacle:
        return ""
    if metadata.context.obstacle:
        return metadata.context.obstacle
    if len(metadata.entities) > limit:
        count = len(metadata.entities)
        return f"its {count:,} entities are more than the {limit:,} that are judged"
    return ""


def _runs(wanted: Sequence[str], implied: set[str]) -> list[str]:
    """The fewest runs of the engine that cover all profiles.

    A run judges a profile and all that it builds on, RO-Crate 1.1 included.
    """
    leaves = [p for p in wanted if not p.startswith("ro-crate-") and p not in implied]
    bases = [p for p in wanted if p.startswith("ro-crate-")]
    is_covered = not _STANDS_ALONE.issuperset(leaves)
    return [p for p in bases if p != _BASE_OF_ALL or not is_covered] + leaves


def _run_of(profile: str, runs: Sequence[str]) -> str:
    for run in runs:
        builds_on = _BUILDS_ON.get(run, ())
        covers_base = profile == _BASE_OF_ALL and not (
            run.startswith("ro-crate-") or run in _STANDS_ALONE
        )
        if run == profile or profile in builds_on or covers_base:
            return run
    raise LookupError(profile)


def _contexts(metadata: Metadata) -> list[str]:
    """The official contexts that a document names; 1.1 is asked for by a rule."""
    return [*{*metadata.context.official, "https://w3id.org/ro/crate/1.1/context"}]


def _stage(crate: Crate, metadata: Metadata, root: Path) -> bool:
    """Lay out what the engine may see.

    A lone document is judged as that of an attached crate whose files are elsewhere,
    unless its name says that it is a detached one.

    Returns:
        whether it is a detached one: then the document is all there is.

    Source: RO-Crate 1.2, RO-Crate structure, "Detached RO-Crate Package".
    """
    root.mkdir()
    name = metadata.name
    detached = name.endswith(tuple(f"-{known}" for known in DESCRIPTORS))
    if name not in DESCRIPTORS and not detached:
        name = DESCRIPTORS[0]
    (root / name).write_text(metadata.text, encoding="utf-8")
    if crate.is_document:
        return detached
    for entity in metadata.entities:
        located = crate.locate(entity.id)
        if located.path and located.entry:
            _place(root, located.path.removeprefix(crate.prefix), located.entry.kind)
    preview = f"{crate.prefix}ro-crate-preview.html"
    entry = crate.payload.entries.get(preview)
    if entry is not None and entry.kind is EntryKind.FILE:
        with contextlib.suppress(CrateError):
            data = crate.payload.read(preview, _PREVIEW_BYTES)
            (root / "ro-crate-preview.html").write_bytes(data)
    return False


def _place(root: Path, path: str, kind: EntryKind) -> None:
    """Put an empty file, or a folder, where the crate has one."""
    target = root / path
    with contextlib.suppress(OSError, ValueError):
        if kind is EntryKind.FOLDER:
            target.mkdir(parents=True, exist_ok=True)
        elif kind is EntryKind.FILE:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()


# -- the engine's words made ours --------------------------------------------------


def _judgement(
    profile: str,
    runs: Sequence[str],
    answers: Mapping[str, Json],
    metadata: Metadata,
) -> Judgement:
    answer = answers[_run_of(profile, runs)]
    if answer["error"]:
        text = _BLANK_NODE.sub("_:b", answer["error"])
        return Judgement(profile=profile, obstacle=f"the engine gave up: {text}")
    issues = [item for item in answer["issues"] if item["profile"] == profile]
    breaches = sorted(_breach(issue, metadata) for issue in _tested(issues))
    refuted = {breach.rule for breach in breaches}
    passed = {
        _passed(check)
        for check in (*answer["checks"], *_untested(issues))
        if check["profile"] == profile and not check["hidden"]
    }
    return Judgement(
        profile=profile,
        passed=tuple(sorted(item for item in passed if item.rule not in refuted)),
        breaches=tuple(breaches),
    )


def _tested(issues: list[Json]) -> Iterator[Json]:
    return (issue for issue in issues if issue["name"] not in _ASKS_THE_NETWORK)


def _untested(issues: list[Json]) -> Iterator[Json]:
    return (
        issue | {"skipped": True}
        for issue in issues
        if issue["name"] in _ASKS_THE_NETWORK
    )


def _rule(check: Json) -> str:
    return f"conformance/{check['profile']}/{slug(check['name'])}"


def _passed(check: Json) -> Passed:
    skipped = ""
    if check["name"] in _ASKS_THE_NETWORK:
        skipped = "it would ask the network"
    elif check["skipped"]:
        skipped = "it does not apply to what was given"
    return Passed(
        _rule(check),
        plain_name(check["name"]),
        _SEVERITIES[check["severity"]],
        clause_of(check["profile"], check["file"]),
        skipped,
    )


def _breach(issue: Json, metadata: Metadata) -> Breach:
    message = " ".join(_BLANK_NODE.sub("_:b", issue["message"]).split())
    subject = _subject(issue["entity"], message, metadata)
    return Breach(
        rule=_rule(issue),
        subject=subject,
        reason=f"{subject}: {message}" if subject not in message else message,
        pointer=_pointer(subject, issue["property"], metadata),
        severity=_SEVERITIES[issue["severity"]],
        observed=_BLANK_NODE.sub("_:b", issue["value"]) if issue["value"] else "",
        clause=clause_of(issue["profile"], issue["file"]),
    )


def _subject(entity: str | None, message: str, metadata: Metadata) -> str:
    """The @id of the entity that an issue speaks of, as the document writes it."""
    known = metadata.by_id
    names = [entity] if entity else []
    names += ["".join(match.groups("")) for match in _QUOTED.finditer(message)]
    for name in names:
        for spelling in (name, name.removeprefix("./"), f"./{name}"):
            if spelling in known:
                return spelling
    if entity:
        return "_:b" if _BLANK_NODE.fullmatch(entity) else entity
    if metadata.descriptor:
        return metadata.descriptor.id
    return metadata.name


def _pointer(subject: str, property: str | None, metadata: Metadata) -> str:
    entity = metadata.by_id.get(subject)
    if entity is None:
        return ""
    if property:
        last = re.split("[#/]", property)[-1]
        for key in entity.properties:
            if key == last or metadata.context.iri(key) == property:
                return f"{entity.pointer}/{key.replace('~', '~0').replace('/', '~1')}"
    return entity.pointer
