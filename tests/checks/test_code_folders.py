"""A folder of the crate is held to its SWHID, by its files alone."""

import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from reverify import verify
from reverify.model.finding import Finding
from reverify.model.outcome import Outcome

from tests.checks.exported import reverify
from tests.fakes import folder, write_crate
from tests.gitrepos import commit, git, make_repository

FILES = {"a.py": b"1\n", "sub/b.py": b"2\n", "sub.txt": b"3\n"}
OTHER = "0123456789abcdef" * 2 + "01234567"


class Laboratory:
    """A repository with a folder, and a crate that has the same one."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.work = make_repository(
            base / "work", {f"code/{path}": data for path, data in FILES.items()}
        )
        (self.work / "code/run").write_bytes(b"#!/bin/sh\n")
        (self.work / "code/run").chmod(0o755)
        (self.work / "code/link").symlink_to("a.py")
        git(self.work, "add", ".")
        git(self.work, "commit", "-q", "-m", "Add what is no plain file")
        self.commit = git(self.work, "rev-parse", "HEAD")
        self.tree = git(self.work, "rev-parse", "HEAD:code")
        self.crate = base / "crate"

    def write(self, identifier: str = "", id: str = "code/") -> Path:
        identifier = identifier or f"swh:1:dir:{self.tree}"
        write_crate(self.crate, folder(id, identifier=identifier))
        subprocess.run(["cp", "-a", self.work / "code", self.crate], check=True)
        return self.crate

    def finding(self, crate: Path | None = None, *sources: Path) -> Finding:
        report = verify(
            str(crate or self.crate),
            offline=True,
            only=["source"],
            source=[str(path) for path in sources],
            cache_dir=str(self.base / "cache"),
        )
        (found,) = [f for f in report.findings if f.claim.topic == "tree"]
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)


def pack(crate: Path, packed: Path, *, system: int = 3) -> None:
    """Zip a folder, its modes and links too; by system 0, which knows none."""
    with zipfile.ZipFile(packed, "w") as archive:
        for path in crate.rglob("*"):
            if path.is_dir():
                continue
            member = zipfile.ZipInfo(path.relative_to(crate).as_posix())
            member.create_system = system
            member.external_attr = path.lstat().st_mode << 16 if system else 0
            is_link = path.is_symlink()
            data = str(path.readlink()).encode() if is_link else path.read_bytes()
            archive.writestr(member, data)


def test_a_folder_has_the_id_that_git_gives_it(lab: Laboratory) -> None:
    lab.write()
    (lab.crate / "code/.git").mkdir()
    (lab.crate / "code/.git/HEAD").write_bytes(b"ref: refs/heads/main\n")
    found = lab.finding()
    assert (found.rule, found.outcome) == ("source/folder-match", Outcome.CONFIRMED)
    assert found.evidence[0].observed == f"tree:{lab.tree}"


def rewrite(code: Path) -> None:
    (code / "sub/b.py").write_bytes(b"4\n")


def add(code: Path) -> None:
    (code / "new.py").write_bytes(b"")


def leave_out(code: Path) -> None:
    (code / "sub.txt").unlink()


def rename(code: Path) -> None:
    (code / "a.py").rename(code / "A.py")


def turn_link(code: Path) -> None:
    (code / "link").unlink()
    (code / "link").symlink_to("run")


def let_run(code: Path) -> None:
    (code / "a.py").chmod(0o755)


@pytest.mark.parametrize("lie", [rewrite, add, leave_out, rename, turn_link, let_run])
def test_each_change_of_a_folder_is_found(
    lab: Laboratory, lie: Callable[[Path], None]
) -> None:
    lie(lab.write() / "code")
    found = lab.finding()
    assert (found.rule, found.outcome) == ("source/folder-mismatch", Outcome.REFUTED)
    assert lab.tree in found.reason
    assert found.observed
    assert found.observed != found.claim.expected
    assert found.fix


def test_empty_folders_may_count_as_in_the_archive(lab: Laboratory) -> None:
    (lab.write() / "code/empty").mkdir()
    assert lab.finding().rule == "source/folder-match"
    answer = reverify("swhid", "--empty-directories", lab.crate / "code")
    swhid = answer.stdout.split("\t")[0]
    write_crate(lab.crate, folder("code/", identifier=swhid))
    assert "if empty folders count" in lab.finding().reason


def test_a_medium_that_forgot_what_is_executable_is_allowed_for(
    lab: Laboratory,
) -> None:
    (lab.write() / "code/link").unlink()
    git(lab.work, "rm", "-q", "code/link")
    git(lab.work, "commit", "-q", "-m", "No link")
    tree = git(lab.work, "rev-parse", "HEAD:code")
    packed = lab.base / "crate.zip"

    write_crate(lab.crate, folder("code/", identifier=f"swh:1:dir:{tree}"))
    pack(lab.crate, packed, system=0)
    found = lab.finding(packed)
    assert (found.rule, found.outcome) == ("source/unclear", Outcome.UNDETERMINED)
    assert "which files are executable" in found.reason
    git(lab.work, "update-index", "--chmod=-x", "code/run")
    git(lab.work, "commit", "-q", "-m", "Nothing runs")
    tree = git(lab.work, "rev-parse", "HEAD:code")
    write_crate(lab.crate, folder("code/", identifier=f"swh:1:dir:{tree}"))
    pack(lab.crate, packed, system=0)
    assert lab.finding(packed).rule == "source/folder-match"


@pytest.mark.parametrize("medium", ["zip", "tar"])
def test_archives_that_know_modes_are_held_to_them(
    lab: Laboratory, medium: str
) -> None:
    lab.write()
    packed = lab.base / f"crate.{medium}"
    if medium == "tar":
        with tarfile.open(packed, "w") as archive:
            archive.add(lab.crate, ".")
    else:
        pack(lab.crate, packed)
    assert lab.finding(packed).rule == "source/folder-match"


def test_the_commit_must_have_that_folder_too(lab: Laboratory) -> None:
    anchor = f"anchor=swh:1:rev:{lab.commit};path=/code"
    lab.write(f"swh:1:dir:{lab.tree};{anchor}")
    found = lab.finding(None, lab.work)
    assert found.rule == "source/folder-match"
    assert f"in commit {lab.commit} is {lab.tree}" in found.reason
    other = commit(lab.work, {"code/a.py": b"5\n"})
    swhid = f"swh:1:dir:{lab.tree};{anchor.replace(lab.commit, other)}"
    write_crate(lab.crate, folder("code/", identifier=swhid))
    found = lab.finding(None, lab.work)
    assert (found.rule, found.outcome) == ("source/tree-mismatch", Outcome.REFUTED)


def test_a_crate_that_is_the_repository_leaves_its_own_documents_out(
    lab: Laboratory,
) -> None:
    make_repository(lab.base / "whole", FILES)
    tree = git(lab.base / "whole", "rev-parse", "HEAD^{tree}")
    write_crate(lab.crate, root={"identifier": f"swh:1:dir:{tree}"}, files=FILES)
    found = lab.finding()
    assert found.rule == "source/folder-match"
    assert "own documents left out" in found.reason
    write_crate(lab.crate, root={"identifier": f"swh:1:dir:{OTHER}"}, files=FILES)
    assert lab.finding().outcome is Outcome.UNTESTED  # it may be its repository
