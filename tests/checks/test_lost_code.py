"""Code that its repository lost: four losses, four answers, and the vault gives back.

The repository is on a server of ours, the archive is a double, all else is real.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from reverify import verify
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome
from reverify.model.report import Report

from tests.checks.exported import refuted
from tests.fakes import file, write_crate
from tests.gitrepos import commit, git, make_repository
from tests.services.git_server import GitServer, serving_git
from tests.services.git_setting import take_away
from tests.services.swh_double import SwhDouble

FILES = {"a.py": b"print(1)\n", "lib/b.py": b"print(2)\n"}
SEEN_AT = "https://git.example.org/lab/rain"


class Laboratory:
    """A crate whose code is of the branch `idea` of a repository on a server."""

    def __init__(self, base: Path, server: GitServer, archive: SwhDouble) -> None:
        self.base = base
        self.archive = archive
        archive.cooking = ["done"]
        self.work = make_repository(base / "work", {"README": b"Rain\n"})
        git(self.work, "checkout", "-q", "-b", "idea")
        self.commit = commit(self.work, FILES, "Sum the rain")
        self.bare = server.root / "lab/rain.git"
        git(self.work, "clone", "-q", "--mirror", str(self.work), str(self.bare))
        self.url = f"{server.url}/lab/rain"
        code = {
            "@id": "#code",
            "@type": "SoftwareSourceCode",
            "codeRepository": f"{self.url}.git",
            "url": f"{self.url}/-/tree/idea",
            "version": self.commit,
            "hasPart": [{"@id": path} for path in FILES],
        }
        entities = [file(path) for path in FILES]
        self.crate = write_crate(base / "crate", *entities, code, files=FILES)

    def report(self, **more: object) -> Report:
        return verify(
            str(self.crate),
            allow_private=True,
            swh_url=self.archive.base,
            cache_dir=str(self.base / "cache"),
            **{"only": ["source"], **more},
        )


@pytest.fixture
def lab(tmp_path: Path, swh_double: SwhDouble) -> Iterator[Laboratory]:
    (tmp_path / "root").mkdir()
    with serving_git(tmp_path / "root") as server:
        yield Laboratory(tmp_path, server, swh_double)


def one(report: Report, topic: str) -> Finding:
    (found,) = [f for f in report.findings if f.claim.topic == topic]
    return found


def throw_away(bare: Path) -> None:
    git(bare, "reflog", "expire", "--expire=now", "--all")
    git(bare, "gc", "-q", "--prune=now")


def rewrite(lab: Laboratory) -> None:
    git(lab.work, "commit", "-q", "--amend", "-m", "Sum all of the rain")
    git(lab.work, "push", "-q", "--force", str(lab.bare), "idea")


def delete_branch(lab: Laboratory) -> None:
    git(lab.bare, "update-ref", "-d", "refs/heads/idea")


def remove_repository(lab: Laboratory) -> None:
    shutil.rmtree(lab.bare)


def take_a_blob(lab: Laboratory) -> None:
    take_away(lab.bare, git(lab.work, "rev-parse", "HEAD:a.py"))


def rewrite_and_throw_away(lab: Laboratory) -> None:
    rewrite(lab)
    throw_away(lab.bare)


def delete_branch_and_throw_away(lab: Laboratory) -> None:
    delete_branch(lab)
    throw_away(lab.bare)


Loss = Callable[[Laboratory], None]


def test_nothing_is_lost_yet(lab: Laboratory) -> None:
    report = lab.report()
    assert {f.outcome for f in report.findings} <= {
        Outcome.CONFIRMED,
        Outcome.NOT_APPLICABLE,
    }
    assert one(report, "reached").observed == "refs/heads/idea"


@pytest.mark.parametrize(
    ("lose", "observed", "said"),
    [
        (rewrite, "hash", "history was rewritten"),
        (delete_branch, "hash", "the branch idea is not there any more"),
        (remove_repository, "no-repository, lost", "there is no repository any more"),
        (delete_branch_and_throw_away, "gone, lost", "no place that was asked has it"),
    ],
)
def test_each_loss_has_an_answer_of_its_own(
    lab: Laboratory, lose: Loss, observed: str, said: str
) -> None:
    lose(lab)
    found = one(lab.report(), "reached")
    assert (found.rule, found.outcome) == ("source/not-reached", Outcome.REFUTED)
    assert found.observed == observed
    assert said in found.reason
    assert found.reason.count(lab.url) == 1


def test_a_commit_that_answers_by_its_hash_confirms_its_files(lab: Laboratory) -> None:
    rewrite(lab)
    report = lab.report()
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert one(report, "commit").rule == "source/commit-found"


def test_a_commit_that_is_gone_is_refuted_and_its_files_are_not(
    lab: Laboratory,
) -> None:
    remove_repository(lab)
    report = lab.report()
    assert {f.rule for f in refuted(report)} == {
        "source/commit-missing",
        "source/not-reached",
    }
    files = [f for f in report.findings if f.claim.topic == "source-file"]
    assert {f.outcome for f in files} == {Outcome.UNDETERMINED}


def test_a_repository_that_lacks_a_blob_refutes_nothing(lab: Laboratory) -> None:
    take_a_blob(lab)
    report = lab.report()
    assert refuted(report) == []
    assert report.verdict.outcome is Outcome.UNDETERMINED
    assert one(report, "reached").rule == "source/reached"
    assert "lacks the contents of a.py" in one(report, "contents").reason


@pytest.mark.parametrize(
    ("lose", "observed"),
    [
        (remove_repository, "no-repository, archived"),
        (rewrite_and_throw_away, "gone, archived"),
        (delete_branch_and_throw_away, "gone, archived"),
    ],
)
def test_the_vault_brings_back_what_is_gone_and_it_is_verified(
    lab: Laboratory, lose: Loss, observed: str
) -> None:
    lab.archive.load(lab.work, SEEN_AT)
    lose(lab)
    report = lab.report()
    found = one(report, "commit")
    assert found.rule == "source/commit-found"
    assert "Software Heritage" in found.reason
    assert one(report, "reached").observed == observed
    assert "the archive gave it back" in one(report, "reached").reason
    files = [f for f in report.findings if f.claim.topic == "source-file"]
    assert {f.rule for f in files} == {"source/file-match"}
    assert report.verdict.outcome is Outcome.CONFIRMED


def test_a_file_that_differs_from_what_the_vault_gave_is_refuted(
    lab: Laboratory,
) -> None:
    lab.archive.load(lab.work, SEEN_AT)
    remove_repository(lab)
    (lab.crate / "a.py").write_bytes(b"print(3)\n")
    (found,) = [f for f in refuted(lab.report()) if f.claim.subject == "a.py"]
    assert found.rule == "source/file-mismatch"


def test_the_vault_gives_a_blob_that_the_repository_lacks(lab: Laboratory) -> None:
    lab.archive.load(lab.work, SEEN_AT)
    take_a_blob(lab)
    report = lab.report()
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert "Software Heritage" in one(report, "commit").reason
    assert not [f for f in report.findings if f.rule == "source/incomplete"]


def test_what_the_vault_gave_is_believed_only_if_it_has_its_ids(
    lab: Laboratory,
) -> None:
    """A bundle with a sentence in place of contents, under the id of the contents."""
    lab.archive.load(lab.work, SEEN_AT)
    blob = git(lab.work, "rev-parse", "HEAD:a.py")
    lab.archive.objects.absent.add(f"swh:1:cnt:{blob}")
    (lab.crate / "a.py").write_bytes(b"print(3)\n")
    remove_repository(lab)
    report = lab.report()
    (found,) = [f for f in report.findings if f.claim.subject == "a.py"]
    assert found.rule == "source/file-unclear"
    assert blob in found.reason
    assert {f.rule for f in refuted(report)} == {"source/not-reached"}
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_a_bundle_that_lacks_a_file_names_it_and_leaves_it_open(
    lab: Laboratory,
) -> None:
    lab.archive.load(lab.work, SEEN_AT)
    blob = git(lab.work, "rev-parse", "HEAD:a.py")
    lab.archive.objects.absent.add(f"swh:1:cnt:{blob}")
    remove_repository(lab)
    report = lab.report()
    assert "lacks the contents of a.py" in one(report, "contents").reason
    assert one(report, "reached").observed == "no-repository, archived"
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_code_that_was_brought_back_is_held_and_was_seen_there(lab: Laboratory) -> None:
    snapshot = lab.archive.load(lab.work, f"{lab.url}.git")
    lab.crate = write_crate(
        lab.base / "again",
        *(file(path) for path in FILES),
        {
            "@id": "#code",
            "@type": "SoftwareSourceCode",
            "codeRepository": f"{lab.url}.git",
            "identifier": f"swh:1:rev:{lab.commit};origin={lab.url}.git"
            f";visit=swh:1:snp:{snapshot}",
            "hasPart": [{"@id": path} for path in FILES],
        },
        files=FILES,
    )
    remove_repository(lab)
    report = lab.report(only=["source", "archival"])
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert {f.claim.kind for f in report.findings} == {"source", "archival"}
