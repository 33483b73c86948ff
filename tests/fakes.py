"""Working stand-ins: an engine that judges as told, a stopped clock, small crates."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reverify.checks.interface import NoProgress, Progress, Tools
from reverify.crates.crate import Crate
from reverify.crates.limits import Limits
from reverify.model.finding import Finding
from reverify.model.outcome import ClaimKind, Level, Severity
from reverify.model.report import Report
from reverify.policy import Policy
from reverify.profiles.interface import Judgement, Passed
from reverify.services import Http, Services
from reverify.verification import verify

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
CONTEXT = "https://w3id.org/ro/crate/1.2/context"
CONTEXT_1_1 = "https://w3id.org/ro/crate/1.1/context"
ALL_BUT_CONFORMANCE = frozenset(ClaimKind) - {ClaimKind.CONFORMANCE}

Json = dict[str, Any]


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOON


class FakeEngine:
    """Judges nothing, or as it was told, and remembers what it was asked."""

    name = "fake engine 1.0"

    def __init__(self, *judgements: Judgement) -> None:
        self._judgements = list(judgements)
        self.asked: list[tuple[str, ...]] = []

    def start(self) -> None:
        """It is always ready."""

    def profile_of(self, uri: str) -> str | None:
        known = "https://w3id.org/ro/"
        return uri.removeprefix(known).replace("/", "-") if known in uri else None

    def judge(self, crate: Crate, profiles: Sequence[str]) -> list[Judgement]:
        del crate
        self.asked.append(tuple(profiles))
        return self._judgements or [_content(profile) for profile in profiles]


def _content(profile: str) -> Judgement:
    rule = f"conformance/{profile}/holds"
    passed = Passed(rule, "It holds", Severity.ERROR, "https://example.org/clause")
    return Judgement(profile=profile, passed=(passed,))


def tools(
    *,
    http: Http | None = None,
    engine: FakeEngine | None = None,
    progress: Progress | None = None,
    profiles: tuple[str, ...] = (),
) -> Tools:
    return Tools(
        services=Services(http=http, clock=FixedClock()),
        engine=engine or FakeEngine(),
        progress=progress or NoProgress(),
        profiles=profiles,
    )


def check(
    location: Path | str,
    *,
    kinds: Iterable[ClaimKind] = ALL_BUT_CONFORMANCE,
    http: Http | None = None,
    required: Level | None = None,
    limits: Limits | None = None,
    engine: FakeEngine | None = None,
) -> Report:
    """What `reverify check` finds, without any process of its own."""
    return verify(
        str(location),
        policy=Policy(kinds=frozenset(kinds), required=required),
        tools=tools(http=http, engine=engine),
        limits=limits or Limits(jobs=1),
    )


def file(id: str, **properties: object) -> Json:
    return {"@id": id, "@type": "File", **properties}


def folder(id: str, **properties: object) -> Json:
    return {"@id": id, "@type": "Dataset", **properties}


def document(
    *entities: Json, context: object = CONTEXT, root: Mapping[str, Any] | None = None
) -> Json:
    """A metadata document whose root lists all files and folders that are given."""
    parts = [
        {"@id": entity["@id"]}
        for entity in entities
        if {"File", "Dataset"} & set(_as_list(entity.get("@type")))
    ]
    return {
        "@context": context,
        "@graph": [
            {
                "@id": "ro-crate-metadata.json",
                "@type": "CreativeWork",
                "about": {"@id": "./"},
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": "A crate",
                "hasPart": parts,
                **(root or {}),
            },
            *entities,
        ],
    }


def write_crate(
    where: Path,
    *entities: Json,
    files: Mapping[str, bytes] | None = None,
    context: object = CONTEXT,
    root: Mapping[str, Any] | None = None,
) -> Path:
    """Write a crate as a directory."""
    for name, data in (files or {}).items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    where.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(*entities, context=context, root=root), indent=1)
    (where / "ro-crate-metadata.json").write_text(text, encoding="utf-8")
    return where


def of(report: Report, subject: str, kind: str = "") -> list[Finding]:
    """What was found of one subject, of one kind if it is named."""
    return [
        finding
        for finding in report.findings
        if finding.claim.subject == subject
        if not kind or finding.claim.kind == kind
    ]


def only(report: Report, subject: str, kind: str = "") -> Finding:
    """The one thing that was found of a subject."""
    (found,) = of(report, subject, kind)
    return found


def rules(report: Report, kind: str = "") -> list[str]:
    """The rules of all findings, sorted; of one kind if it is named."""
    return sorted(
        finding.rule
        for finding in report.findings
        if not kind or finding.claim.kind == kind
    )


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
