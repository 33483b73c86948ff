"""The vault is the last place where a commit is looked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from reverify.model.swhid import git_id
from reverify.services.git import Bounds, Cache, CodeSources, Place, read_mirrors
from reverify.services.software_heritage import Patience
from reverify.services.software_heritage.commits import commits_of

from tests.services.git_setting import NEVER, found, not_found, undecided, whys
from tests.services.swh_setting import Setting

GONE = "https://forge.example/ada/gone"


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path, keep=True)
    with made.double.at_the_wire():
        yield made


def _sources(setting: Setting, folder: Path) -> CodeSources:
    """Offline but for the archive; the mirror has lost the repository."""
    return CodeSources(
        cache=Cache(folder / "kept", Bounds(file_bytes=1 << 30, seconds=60)),
        http=None,
        clock=setting.time,
        mirrors=read_mirrors([f"https://forge.example/=file://{folder}/none/"]),
        vault=commits_of(setting.archive),
    )


def test_the_vault_brings_back_code_that_is_gone(
    setting: Setting, tmp_path: Path
) -> None:
    commit = setting.repository.commit
    answer = found(_sources(setting, tmp_path).find(commit, origin=GONE, paths=["run"]))
    with answer.revision as revision:
        assert answer.place is Place.VAULT
        assert [reason.why.value for reason in answer.reasons] == ["gone", "unasked"]
        assert revision.tree == setting.repository.tree
        assert revision.objects.blob(git_id("blob", b"hello\n")) == b"hello\n"
        assert len(revision.paths_of(git_id("blob", b"hello\n"))) == 3


def test_what_the_archive_does_not_hold_is_not_cooked(
    setting: Setting, tmp_path: Path
) -> None:
    for _ in range(2):
        answer = _sources(setting, tmp_path).find(NEVER)
        assert whys(not_found(answer)) == ["absent"]
    assert [each.method for each in setting.double.asked] == ["POST"]
    assert setting.double.asked[0].path.endswith("/known/")


def test_a_vault_that_is_too_slow_tells_nothing(tmp_path: Path) -> None:
    setting = Setting(tmp_path, patience=Patience(seconds=20))
    setting.double.cooking = ["new"] + ["pending"] * 50 + ["done"]
    with setting.double.at_the_wire():
        answer = _sources(setting, tmp_path).find(setting.repository.commit)
    assert whys(undecided(answer)) == ["unreachable"]
    assert "still at work" in answer.evidence[0].observed


def test_an_archive_that_is_down_tells_nothing(
    setting: Setting, tmp_path: Path
) -> None:
    setting.double.fail("reset")
    answer = _sources(setting, tmp_path).find(setting.repository.commit)
    assert whys(undecided(answer)) == ["unreachable"]


def test_a_commit_of_sha256_is_not_asked_of_the_archive(
    setting: Setting, tmp_path: Path
) -> None:
    answer = _sources(setting, tmp_path).find("1" * 64)
    assert whys(undecided(answer)) == ["unasked"]
    assert not setting.double.asked
