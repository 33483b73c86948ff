"""Trees and tags that are named alone, with no commit beside them."""

from pathlib import Path

import pytest
from reverify import verify
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome
from reverify.model.report import Report

from tests.checks.exported import ORIGIN, refuted
from tests.fakes import file, write_crate
from tests.gitrepos import git, make_repository
from tests.services.git_server import Manner, serving_git
from tests.services.swh_double import SwhDouble

FILES = {"a.py": b"print(1)\n", "lib/b.py": b"print(2)\n"}
OTHER = "0123456789abcdef" * 2 + "01234567"


class Laboratory:
    """A repository with a tag, and a crate with its files that names one object."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.work = make_repository(base / "work", FILES)
        self.commit = git(self.work, "rev-parse", "HEAD")
        self.tree = git(self.work, "rev-parse", "HEAD^{tree}")
        git(self.work, "tag", "-a", "v1", "-m", "One")
        git(self.work, "tag", "-a", "v1-again", "-m", "One, once more", "v1")
        self.tag = git(self.work, "rev-parse", "v1")
        self.nested = git(self.work, "rev-parse", "v1-again")

    def crate(self, identifier: str, origin: str = ORIGIN) -> Path:
        code = {
            "@id": "#code",
            "@type": "SoftwareSourceCode",
            "codeRepository": origin,
            "identifier": identifier,
            "hasPart": [{"@id": path} for path in FILES],
        }
        entities = [file(path) for path in FILES]
        return write_crate(self.base / "crate", *entities, code, files=FILES)

    def report(self, crate: Path, **more: object) -> Report:
        options = {"only": ["source"], "cache_dir": str(self.base / "cache"), **more}
        return verify(str(crate), **options)

    def offline(self, identifier: str) -> Report:
        crate = self.crate(identifier)
        return self.report(crate, offline=True, source=[str(self.work)])


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)


def one(report: Report, topic: str) -> Finding:
    (found,) = [f for f in report.findings if f.claim.topic == topic]
    return found


def files(report: Report) -> set[str]:
    return {f.rule for f in report.findings if f.claim.topic == "source-file"}


def test_a_tree_is_looked_up_by_its_id_and_its_files_compared(lab: Laboratory) -> None:
    report = lab.offline(f"swh:1:dir:{lab.tree}")
    found = one(report, "tree")
    assert (found.rule, found.outcome) == ("source/tree-found", Outcome.CONFIRMED)
    assert str(lab.work) in found.reason
    assert "2 trees" in found.evidence[0].observed
    assert files(report) == {"source/file-match"}
    assert report.verdict.outcome is Outcome.CONFIRMED


@pytest.mark.parametrize("which", ["tag", "nested"])
def test_a_tag_is_followed_to_its_commit(lab: Laboratory, which: str) -> None:
    report = lab.offline(f"swh:1:rel:{getattr(lab, which)}")
    found = one(report, "tag")
    assert (found.rule, found.observed) == ("source/tag-found", f"commit:{lab.commit}")
    assert files(report) == {"source/file-match"}


@pytest.mark.parametrize("type", ["dir", "rel"])
def test_a_file_that_is_not_of_the_tree_or_tag_is_refuted(
    lab: Laboratory, type: str
) -> None:
    id = lab.tree if type == "dir" else lab.tag
    crate = lab.crate(f"swh:1:{type}:{id}")
    (crate / "a.py").write_bytes(b"print(3)\n")
    report = lab.report(crate, offline=True, source=[str(lab.work)])
    (found,) = refuted(report)
    assert (found.rule, found.claim.subject) == ("source/file-mismatch", "a.py")
    assert id in found.reason


@pytest.mark.parametrize(
    ("type", "which", "rule", "said"),
    [
        ("dir", "commit", "source/tree-mismatch", "is a commit, no tree"),
        ("dir", "tag", "source/tree-mismatch", "is a tag, no tree"),
        ("rel", "commit", "source/tag-mismatch", "is a commit, no annotated tag"),
        ("rel", "tree", "source/tag-mismatch", "is a tree, no annotated tag"),
    ],
)
def test_an_id_of_another_kind_is_refuted_and_said_what_it_is(
    lab: Laboratory, type: str, which: str, rule: str, said: str
) -> None:
    id = getattr(lab, which)
    (found,) = refuted(lab.offline(f"swh:1:{type}:{id}"))
    assert found.rule == rule
    assert said in found.reason
    right = {"commit": "rev", "tag": "rel", "tree": "dir"}[which]
    assert f"swh:1:{right}:{id}" in found.reason
    assert found.observed == f"{which}:{id}"


@pytest.mark.parametrize("type", ["dir", "rel"])
def test_what_is_nowhere_leaves_it_open(lab: Laboratory, type: str) -> None:
    report = lab.offline(f"swh:1:{type}:{OTHER}")
    assert refuted(report) == []
    assert report.verdict.outcome is Outcome.UNDETERMINED
    assert str(lab.work) in report.findings[0].reason


@pytest.mark.parametrize("type", ["dir", "rel"])
def test_with_no_place_to_look_it_is_untested(lab: Laboratory, type: str) -> None:
    report = lab.report(lab.crate(f"swh:1:{type}:{OTHER}"), offline=True)
    assert {f.rule for f in report.findings} == {"source/not-tested"}


def test_a_tree_in_a_mirror_is_found(lab: Laboratory) -> None:
    mirrors = [f"{ORIGIN}={lab.work.as_uri()}"]
    crate = lab.crate(f"swh:1:dir:{lab.tree}")
    report = lab.report(crate, offline=True, git_mirrors=mirrors)
    assert one(report, "tree").rule == "source/tree-found"


@pytest.mark.parametrize("which", ["dir", "rel"])
@pytest.mark.parametrize("old", [False, True])
def test_a_server_is_asked_for_trees_and_tags_too(
    lab: Laboratory, swh_double: SwhDouble, which: str, *, old: bool
) -> None:
    (lab.base / "root").mkdir()
    git(lab.base, "clone", "-q", "--mirror", str(lab.work), "root/rain.git")
    id = lab.tree if which == "dir" else lab.tag
    with serving_git(lab.base / "root", Manner(old=old)) as server:
        crate = lab.crate(f"swh:1:{which}:{id}", f"{server.url}/rain.git")
        more = {"allow_private": True, "swh_url": swh_double.base}
        report = lab.report(crate, **more)
        assert report.verdict.outcome is Outcome.CONFIRMED
        assert files(report) == {"source/file-match"}
        wrong = "rel" if which == "dir" else "dir"
        crate = lab.crate(f"swh:1:{wrong}:{id}", f"{server.url}/rain.git")
        (found,) = refuted(lab.report(crate, **more))
        assert found.rule.endswith("-mismatch")


@pytest.mark.parametrize("which", ["dir", "rel"])
def test_the_vault_gives_trees_and_tags_too(
    lab: Laboratory, swh_double: SwhDouble, which: str
) -> None:
    swh_double.cooking = ["done"]
    swh_double.load(lab.work)
    id = lab.tree if which == "dir" else lab.tag
    crate = lab.crate(f"swh:1:{which}:{id}", "https://127.0.0.1:1/lab/gone.git")
    report = lab.report(crate, allow_private=True, swh_url=swh_double.base)
    assert "Software Heritage" in report.findings[0].reason
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert files(report) == {"source/file-match"}


def test_a_tag_that_leads_to_no_files_leaves_it_open(lab: Laboratory) -> None:
    git(lab.work, "tag", "-a", "key", "-m", "A key", "HEAD:a.py")
    report = lab.offline(f"swh:1:rel:{git(lab.work, 'rev-parse', 'key')}")
    assert "leads to a blob" in one(report, "tag").reason
    assert report.verdict.outcome is Outcome.UNDETERMINED
