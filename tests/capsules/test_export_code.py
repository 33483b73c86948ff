"""What a manifest says of its code is looked up in git, and not believed."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from reverify.capsules.code import look_up_code
from reverify.capsules.manifest import manifest_of
from reverify.errors import CapsuleError, UsageError

from tests.capsules.exports import (
    FILES,
    ORIGIN,
    export_folder,
    full,
    git,
    names,
    repository,
    write_files,
)

ELSEWHERE = "0" * 39 + "1"
Json = dict[str, Any]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder that is a work tree and holds the files of a capsule."""
    folder = tmp_path / "work"
    folder.mkdir()
    repository(folder)
    return write_files(folder)


def said(work: Path, **changes: object) -> Json:
    """A manifest that says of the code what git says, but for these changes."""
    document = full(
        git(work, "rev-parse", "HEAD"), git(work, "rev-parse", "HEAD^{tree}")
    )
    document["code"] |= changes
    return document


def refusal(work: Path, document: Json, **options: object) -> str:
    before = names(work.parent)
    with pytest.raises(CapsuleError) as caught:
        export_folder(work, document, work.parent / "out", **options)
    assert names(work.parent) == before
    return str(caught.value)


def test_ids_are_those_that_git_gives(work: Path) -> None:
    document = said(work)
    told = export_folder(work, document, work.parent / "out")
    commit, tree = document["code"]["git_commit"], document["code"]["git_tree_hash"]
    blob = git(work, "rev-parse", "HEAD:src/sum.py")
    assert told.repository == str(work)
    assert told.notes == ()
    assert told.swhids == (
        f"swh:1:rev:{commit}",
        f"swh:1:dir:{tree}",
        f"swh:1:cnt:{blob};origin={ORIGIN};anchor=swh:1:rev:{commit};path=/src/sum.py",
    )


def test_a_tree_that_is_not_stated_is_read_from_the_commit(work: Path) -> None:
    document = said(work)
    tree = document["code"].pop("git_tree_hash")
    export_folder(work, document, work.parent / "out")
    metadata = (work.parent / "out" / "ro-crate-metadata.json").read_text()
    assert f"swh:1:dir:{tree}" in metadata


def test_a_tree_that_is_another_is_refused_with_both(work: Path) -> None:
    tree = git(work, "rev-parse", "HEAD^{tree}")
    reason = refusal(work, said(work, git_tree_hash=ELSEWHERE))
    assert f"says {ELSEWHERE}" in reason
    assert f"is {tree}" in reason


def test_a_commit_that_is_not_there_is_refused_where_it_must_be(work: Path) -> None:
    document = said(work, git_commit=ELSEWHERE)
    assert f"{ELSEWHERE}, which is not there" in refusal(
        work, document, repository=work
    )


def test_an_object_that_is_no_commit_is_no_commit(work: Path) -> None:
    document = said(work, git_commit=git(work, "rev-parse", "HEAD^{tree}"))
    assert "is a tree there, no commit" in refusal(work, document, repository=work)


def test_a_work_tree_of_that_origin_must_have_the_commit(work: Path) -> None:
    git(work, "remote", "add", "origin", f"{ORIGIN}.git")
    assert "is not there" in refusal(work, said(work, git_commit=ELSEWHERE))


def test_a_work_tree_of_something_else_is_not_asked(work: Path) -> None:
    git(work, "remote", "add", "origin", "https://git.example.org/other/thing")
    told = export_folder(
        work, said(work, git_commit=ELSEWHERE, git_tree_hash=None), work.parent / "out"
    )
    assert told.repository == ""
    assert f"commit {ELSEWHERE} was not looked up" in told.notes[0]
    assert "--source" in told.notes[0]
    assert told.swhids == (f"swh:1:rev:{ELSEWHERE}",)


def test_what_was_not_looked_up_is_written_as_stated(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    export_folder(folder, full(ELSEWHERE), tmp_path / "out")
    metadata = (tmp_path / "out" / "ro-crate-metadata.json").read_text()
    assert f"swh:1:rev:{ELSEWHERE}" in metadata
    page = (tmp_path / "out" / "ro-crate-preview.html").read_text()
    assert "they were not looked up" in page


def test_a_local_path_in_the_manifest_is_looked_at(work: Path, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    for address in (str(work), f"file://{work}"):
        told = export_folder(
            folder, said(work, repository=address), tmp_path / "out", force=True
        )
        assert told.repository == str(work)


def test_a_repository_that_is_named_must_be_one(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no git repository"):
        export_folder(
            folder, full(ELSEWHERE), tmp_path / "out", repository=tmp_path / "empty"
        )
    assert names(tmp_path) == ["capsule", "empty"]


def test_a_bare_repository_will_do(work: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(work), "bare.git")
    folder = write_files(tmp_path / "capsule")
    told = export_folder(
        folder, said(work), tmp_path / "out", repository=tmp_path / "bare.git"
    )
    assert told.repository == str(tmp_path / "bare.git")


def test_a_file_of_code_that_is_not_that_of_the_commit_is_refused(work: Path) -> None:
    (work / "src/sum.py").write_bytes(b"print(4)\n")
    document = said(work)
    del document["code"]["files"][0]["sha256"], document["code"]["files"][0]["size"]
    reason = refusal(work, document)
    assert "src/sum.py: is not the file of commit" in reason
    assert git(work, "hash-object", "src/sum.py") in reason
    assert git(work, "rev-parse", "HEAD:src/sum.py") in reason


def test_a_dirty_work_tree_may_hold_another_file_if_the_manifest_says_so(
    work: Path,
) -> None:
    (work / "src/sum.py").write_bytes(b"print(4)\n")
    document = said(work, dirty=True)
    del document["code"]["files"][0]["sha256"], document["code"]["files"][0]["size"]
    told = export_folder(work, document, work.parent / "out")
    assert "dirty" in told.notes[0]
    assert (work.parent / "out" / "src/sum.py").read_bytes() == b"print(4)\n"


def test_code_that_is_not_in_the_commit_is_refused(work: Path) -> None:
    (work / "new.py").write_text("pass\n")
    document = said(work, path="gone.py")
    document["code"]["files"].append({"path": "new.py"})
    reason = refusal(work, document)
    assert "/code/files/1/path: 'new.py' is not in commit" in reason
    assert "/code/path: 'gone.py' is not in commit" in reason


def test_code_in_a_folder_has_the_id_of_the_folder(work: Path) -> None:
    code = look_up_code(manifest_of(said(work, path="src")), work)
    assert code.facts is not None
    tree = git(work, "rev-parse", "HEAD:src")
    assert code.facts.swhids[2].startswith(f"swh:1:dir:{tree};origin=")
    assert code.facts.swhids[2].endswith(";path=/src")


def test_qualifiers_are_escaped(work: Path) -> None:
    path = "src/a;b %c.py"
    (work / path).write_text("pass\n")
    git(work, "add", "src")
    git(work, "commit", "--quiet", "--message", "Odd")
    document = said(work, path=path, swh_origin_url="https://x.example.org/a;b%20c")
    code = look_up_code(manifest_of(document), work)
    assert code.facts is not None
    qualified = code.facts.swhids[2]
    assert ";origin=https://x.example.org/a%3Bb%2520c;" in qualified
    assert qualified.endswith(";path=/src/a%3Bb%20%25c.py")


def test_a_commit_of_a_sha_256_repository_has_no_swhid(tmp_path: Path) -> None:
    work = write_files(tmp_path / "work")
    try:
        git(work, "init", "--quiet", "--object-format=sha256")
    except subprocess.CalledProcessError:  # pragma: no cover - an old git
        pytest.skip("this git knows SHA-1 only")
    git(work, "add", "src")
    git(work, "commit", "--quiet", "--message", "Sum")
    told = export_folder(work, said(work), tmp_path / "out")
    assert told.swhids == ()
    assert any("SHA-256" in note for note in told.notes)
    (work / "src/sum.py").write_bytes(FILES["src/sum.py"][::-1])
    document = said(work)
    del document["code"]["files"][0]["sha256"]
    with pytest.raises(CapsuleError, match="is not the file of commit"):
        export_folder(work, document, tmp_path / "other")


def test_hostile_settings_of_a_repository_do_nothing(
    work: Path, tmp_path: Path
) -> None:
    document = said(work)
    canary = tmp_path / "canary"
    script = f"touch {canary}"
    config = work / ".git" / "config"
    config.write_text(
        config.read_text()
        + f"[core]\n\tfsmonitor = {script}\n\tpager = {script}\n"
        + f'[filter "x"]\n\tclean = {script}\n\tsmudge = {script}\n\trequired = true\n'
        + "[include]\n\tpath = /etc/passwd\n"
    )
    (work / ".gitattributes").write_text("* filter=x diff=x\n")
    export_folder(work, document, tmp_path / "out")
    assert not canary.exists()


def test_a_manifest_without_a_commit_has_nothing_looked_up(work: Path) -> None:
    document = full()
    told = export_folder(work, document, work.parent / "out")
    assert told.repository == ""
    assert told.swhids == ()
    assert "names no commit" in told.notes[0]
    assert json.loads((work.parent / "out" / "codemeta.json").read_text())
