"""What a crate says does not depend on the order or the packaging it comes in."""

import copy
import hashlib
import io
import json
import random
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reverify.claims import EXTRACTORS
from reverify.crates.opening import open_crate
from reverify.model.finding import Finding, identified
from reverify.model.outcome import ClaimKind
from reverify.model.report import Report

from tests.builders import ocfl_files
from tests.fakes import CONTEXT, FakeEngine, Json, check, document

COMMIT = "3f2a" * 10
SWHID = f"swh:1:rev:{COMMIT}"
NAMES = st.sampled_from(
    ["a.csv", "b c.csv", "é.txt", "deep/er/c.bin", "50%.csv", "run#1.csv", "x:y", "-"]
)
CONTENTS = st.binary(max_size=40)
PACKAGING = ("md5.txt", "sha256.txt", "inventory.json", "inventory.json.sha512")
CONTEXTS = [CONTEXT, "https://w3id.org/ro/terms/workflow-run/context"]
FAST = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _id(name: str) -> str:
    id = name.replace("%", "%25").replace(" ", "%20").replace("#", "%23")
    return f"./{id}" if ":" in id else id


@st.composite
def crates(draw: st.DrawFn) -> tuple[list[Json], dict[str, bytes]]:
    """The entities of a crate and its files; not all that is stated is true."""
    files = draw(st.dictionaries(NAMES, CONTENTS, max_size=5))
    listed = draw(st.lists(NAMES, unique=True, max_size=6))
    entities: list[Json] = []
    for name in listed:
        data = files.get(name, b"gone")
        entity: Json = {"@id": _id(name), "@type": "File"}
        stated = draw(st.sets(st.sampled_from(["sha256", "md5", "size", "wrong"])))
        if "sha256" in stated:
            entity["sha256"] = hashlib.sha256(data).hexdigest()
        if "md5" in stated:
            entity["md5"] = hashlib.md5(data).hexdigest()
        if "size" in stated:
            entity["contentSize"] = draw(st.sampled_from([len(data), str(len(data))]))
        if "wrong" in stated:
            entity["sha1"] = draw(st.sampled_from(["0" * 40, "abc", 7]))
        entities.append(entity)
    extra: list[Json] = [
        {"@id": "https://example.org/a", "@type": "File", "contentSize": "1"},
        {"@id": "deep/", "@type": "Dataset"},
        {"@id": "s3://bucket/a", "@type": "File"},
        {"@id": "#code", "@type": "SoftwareSourceCode", "version": COMMIT},
        {"@id": "#swhid", "@type": "SoftwareSourceCode", "identifier": SWHID},
        {"@id": "#run", "@type": "CreateAction", "instrument": {"@id": "#code"}},
        {"@id": f"nih:sha-256;{'0' * 64}", "@type": "File"},
    ]
    entities += [entity for entity in extra if draw(st.booleans())]
    return entities, files


def ids(findings: tuple[Finding, ...]) -> Counter[tuple[str, str, str]]:
    return Counter((id, f.rule, f.outcome.value) for id, f in identified(findings))


def told(report: Report) -> Counter[tuple[str, str, str]]:
    """What was found of everything but the packaging itself."""
    return ids(
        tuple(
            finding
            for finding in report.findings
            if not finding.claim.stated_in.file.endswith(PACKAGING)
            if not finding.claim.topic.startswith(("bag", "ocfl"))
            # Manifests and inventories list and cover everything.
            if finding.claim.topic not in {"coverage", "unlisted"}
        )
    )


def write_folder(where: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(data)
    return where


def write_zip(where: Path, files: dict[str, bytes], folder: str = "") -> Path:
    with zipfile.ZipFile(where, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{folder}{name}", data)
    return where


def write_tar(where: Path, files: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(where, f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(f"crate/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return where


def bagged(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files in a bag."""

    def manifest(listed: dict[str, bytes]) -> bytes:
        lines = [
            f"{hashlib.sha256(data).hexdigest()}  {name.replace('%', '%25')}\n"
            for name, data in listed.items()
        ]
        return "".join(lines).encode()

    payload = {f"data/{name}": data for name, data in files.items()}
    return {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "manifest-sha256.txt": manifest(payload),
        **payload,
    }


def object_of(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files as the newest version of an OCFL object that had others before."""
    return ocfl_files({"old.csv": b"1,2\n", "a.csv": b"gone"}, files)


@FAST
@given(crates(), st.randoms(use_true_random=False))
def test_the_order_of_entities_does_not_matter(
    crate: tuple[list[Json], dict[str, bytes]], chance: random.Random
) -> None:
    entities, files = crate
    straight = document(*entities, context=CONTEXTS)
    shuffled = copy.deepcopy(straight)
    chance.shuffle(shuffled["@graph"])
    shuffled["@graph"] = [
        dict(chance.sample(list(entity.items()), len(entity)))
        for entity in shuffled["@graph"]
    ]
    found = []
    for graph in (straight, shuffled):
        with tempfile.TemporaryDirectory() as name:
            text = json.dumps(graph).encode()
            write_folder(Path(name), {**files, "ro-crate-metadata.json": text})
            found.append(ids(check(name, kinds=ClaimKind).findings))
    assert found[0] == found[1]


@FAST
@given(crates())
def test_the_packaging_does_not_matter(
    crate: tuple[list[Json], dict[str, bytes]],
) -> None:
    entities, files = crate
    text = json.dumps(document(*entities, context=CONTEXTS)).encode()
    whole = {**files, "ro-crate-metadata.json": text}
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        places = {
            "directory": write_folder(here / "folder", whole),
            "folder in a folder": write_folder(here / "top" / "x", whole).parent,
            "zip": write_zip(here / "a.zip", whole),
            "zip of a folder": write_zip(here / "b.eln", whole, "folder/"),
            "tar": write_tar(here / "a.tar", whole, ""),
            "tar.gz": write_tar(here / "a.tgz", whole, "gz"),
            "bag": write_folder(here / "bag", bagged(whole)),
            "bag in a zip": write_zip(here / "bag.zip", bagged(whole), "bag/"),
            "OCFL object": write_folder(here / "object", object_of(whole)),
            "OCFL object in a zip": write_zip(here / "o.zip", object_of(whole), "o/"),
        }
        found = {
            place: told(check(path, kinds=ClaimKind, engine=FakeEngine()))
            for place, path in places.items()
        }
    expected = found.pop("directory")
    for place, these in found.items():
        assert these == expected, place


@FAST
@given(crates())
def test_extracting_claims_reads_no_payload(
    crate: tuple[list[Json], dict[str, bytes]],
) -> None:
    entities, files = crate
    with tempfile.TemporaryDirectory() as name:
        text = json.dumps(document(*entities, context=CONTEXTS)).encode()
        write_folder(Path(name), {**files, "ro-crate-metadata.json": text})
        with open_crate(name) as opened:
            for path in files:
                (Path(name) / path).unlink()
            claims = [c for kind in ClaimKind for c in EXTRACTORS[kind](opened)]
            again = [c for kind in ClaimKind for c in EXTRACTORS[kind](opened)]
    assert claims == again
