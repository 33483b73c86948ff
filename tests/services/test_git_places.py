"""Places are asked in their order, and each says what it has."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from reverify.errors import ServiceError, UsageError
from reverify.services.git import (
    Objects,
    Place,
    Repository,
    Vault,
    open_repository,
    read_mirrors,
)

from tests.gitrepos import commit, git, make_repository
from tests.services.git_server import Manner, serving_git
from tests.services.git_setting import (
    NEVER,
    Laboratory,
    blob,
    found,
    not_found,
    undecided,
    whys,
)


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)


def test_the_place_that_the_user_names_comes_first(lab: Laboratory) -> None:
    lab.publish()
    with serving_git(lab.root) as server:
        sources = lab.sources(lab.work, clones=[lab.work])
        answer = found(sources.find(lab.first, origin=f"{server.url}/code.git"))
        answer.revision.close()
        assert not server.requests
    assert answer.place is Place.SOURCE
    assert answer.source == str(lab.work)
    (evidence,) = answer.evidence
    assert "the commit and 2 trees" in evidence.observed


def test_places_are_asked_one_after_the_other(lab: Laboratory, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other", {"other.py": b"\n"})
    empty = lab.root / "empty"
    git(lab.base, "init", "-q", "--bare", str(empty / "code.git"))
    lab.publish()
    with serving_git(lab.root) as server:
        origin = f"{server.url}/code.git"
        sources = lab.sources(
            other,
            clones=[other],
            mirrors=read_mirrors([f"{server.url}/=file://{empty}/"]),
        )
        answer = found(sources.find(lab.second, origin=origin))
        answer.revision.close()
    assert answer.place is Place.ORIGIN
    asked = [item.method.partition(":")[0] for item in answer.evidence]
    assert asked == ["source", "clone", "mirror", "origin"]
    assert whys_of(answer.reasons) == ["absent"] * 3


def whys_of(reasons: object) -> list[str]:
    assert isinstance(reasons, tuple)
    return [reason.why.value for reason in reasons]


def test_offline_a_source_is_enough(lab: Laboratory) -> None:
    answer = lab.sources(lab.work, http=None).find(lab.first, paths=["sum.py"])
    found(answer).revision.close()


def test_a_source_may_be_an_address(lab: Laboratory) -> None:
    lab.publish()
    with serving_git(lab.root) as server:
        answer = found(lab.sources(f"{server.url}/code.git").find(lab.first))
        answer.revision.close()
    assert answer.place is Place.SOURCE


def test_a_source_that_is_no_repository_is_a_mistake_of_the_user(
    lab: Laboratory,
) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        lab.sources(lab.base / "gone").find(lab.first)


def test_a_commit_is_named_by_its_whole_id(lab: Laboratory) -> None:
    for name in ("main", lab.first[:10], lab.first.upper(), f"{lab.first}\n", "-x"):
        with pytest.raises(UsageError, match="no whole id"):
            lab.sources(lab.work).find(name)
        with pytest.raises(UsageError, match="no whole id"):
            lab.sources(lab.work).reachability(name, "https://example.org/a")


def test_with_no_place_to_ask_nothing_is_told(lab: Laboratory) -> None:
    answer = undecided(lab.sources().find(lab.first))
    assert answer.reasons == ()


def test_what_no_place_has_is_not_found(lab: Laboratory) -> None:
    lab.publish()
    with serving_git(lab.root) as server:
        answer = lab.sources(lab.work).find(NEVER, origin=f"{server.url}/code.git")
    assert whys(not_found(answer)) == ["absent", "absent"]


def test_one_place_that_does_not_tell_leaves_it_open(lab: Laboratory) -> None:
    lab.publish()
    with serving_git(lab.root, Manner(status=500)) as server:
        answer = lab.sources(lab.work).find(NEVER, origin=f"{server.url}/code.git")
    assert whys(undecided(answer)) == ["absent", "unreachable"]


# -- mirrors ---------------------------------------------------------------------------


def test_a_mirror_in_a_folder_stands_in_for_a_host(lab: Laboratory) -> None:
    lab.publish("ada/code.git")
    mirrors = read_mirrors([f"https://forge.example/=file://{lab.root}/"])
    sources = lab.sources(http=None, mirrors=mirrors)
    for name in ("ada/code", "ada/code.git", "ada/code/"):
        origin = f"https://forge.example/{name}"
        answer = found(sources.find(lab.first, origin=origin))
        answer.revision.close()
        assert answer.place is Place.MIRROR


def test_an_address_does_not_lead_out_of_a_mirror(lab: Laboratory) -> None:
    lab.publish("code.git")
    inner = lab.root / "inner"
    inner.mkdir()
    mirrors = read_mirrors([f"https://forge.example/=file://{inner}/"])
    sources = lab.sources(http=None, mirrors=mirrors)
    for path in ("../code.git", "%2e%2e/code.git", "a/../../code.git", "..%2fcode.git"):
        answer = sources.find(lab.first, origin=f"https://forge.example/{path}")
        assert whys(undecided(answer)) == ["refused"]


def test_a_mirror_on_the_web_stands_in_for_a_host(lab: Laboratory) -> None:
    lab.publish("ada/code.git")
    with serving_git(lab.root) as server:
        mirrors = read_mirrors([f"https://forge.example/={server.url}/"])
        sources = lab.sources(mirrors=mirrors)
        origin = "https://forge.example/ada/code.git"
        answer = found(sources.find(lab.first, origin=origin))
        answer.revision.close()
    assert answer.place is Place.MIRROR


# -- places that have a part of it -----------------------------------------------------


def test_a_shallow_clone_without_the_commit_tells_nothing(lab: Laboratory) -> None:
    shallow = lab.base / "shallow"
    git(lab.base, "clone", "-q", "--depth=1", f"file://{lab.work}", str(shallow))
    answer = undecided(lab.sources(shallow).find(lab.first))
    assert whys(answer) == ["incomplete"]
    found(lab.sources(shallow).find(lab.second)).revision.close()


def test_a_partial_clone_without_contents_tells_nothing_of_them(
    lab: Laboratory,
) -> None:
    git(lab.work, "config", "uploadpack.allowFilter", "true")
    partial = lab.base / "partial.git"
    git(
        lab.base,
        *("clone", "-q", "--bare", "--filter=blob:none"),
        f"file://{lab.work}",
        str(partial),
    )
    found(lab.sources(partial).find(lab.first)).revision.close()
    answer = undecided(lab.sources(partial).find(lab.first, paths=["sum.py"]))
    assert answer.lacking == ("sum.py",)
    assert answer.revision is not None
    answer.revision.close()
    assert whys(undecided(lab.sources(partial).find(NEVER))) == ["incomplete"]


def test_what_one_place_lacks_the_next_one_gives(lab: Laboratory) -> None:
    lost = blob(lab.work, lab.first, "sum.py")
    bare = lab.publish()
    (lab.work / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    answer = found(lab.sources(lab.work, bare).find(lab.first, paths=["sum.py"]))
    answer.revision.close()
    assert answer.source == str(bare)
    assert "contents of sum.py are missing" in answer.evidence[0].observed


def test_a_tree_that_is_missing_refutes_nothing(lab: Laboratory) -> None:
    lost = git(lab.work, "rev-parse", "HEAD:data")
    (lab.work / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    answer = undecided(lab.sources(lab.work).find(lab.first))
    assert whys(answer) == ["incomplete"]
    assert f"the tree {lost} is missing" in answer.evidence[0].observed


@pytest.mark.parametrize("what", ["commit", "tree", "data"])
def test_an_object_that_is_damaged_is_told_as_that(lab: Laboratory, what: str) -> None:
    ids = {"commit": "HEAD", "tree": "HEAD^{tree}", "data": "HEAD:data"}
    id = git(lab.work, "rev-parse", ids[what])
    path = lab.work / ".git" / "objects" / id[:2] / id[2:]
    path.chmod(0o644)
    path.write_bytes(b"\x00" * 30)
    answer = undecided(lab.sources(lab.work).find(lab.second))
    assert whys(answer) == ["damaged"]


def test_an_object_under_the_name_of_another_is_told(lab: Laboratory) -> None:
    objects = lab.work / ".git" / "objects"
    good, bad = (blob(lab.work, "HEAD", name) for name in ("sum.py", "data/rain.csv"))
    target = objects / good[:2] / good[2:]
    target.chmod(0o644)
    target.write_bytes((objects / bad[:2] / bad[2:]).read_bytes())
    answer = undecided(lab.sources(lab.work).find(lab.second, paths=["sum.py"]))
    assert whys(answer) == ["damaged"]


def test_the_id_of_a_tree_is_that_of_no_commit(lab: Laboratory) -> None:
    tree = git(lab.work, "rev-parse", "HEAD^{tree}")
    answer = not_found(lab.sources(lab.work).find(tree))
    assert "is a tree" in answer.reasons[0].text


# -- the vault -------------------------------------------------------------------------


@dataclass
class Bundle:
    """What the archive gave."""

    repository: Repository
    closed: bool = False

    @property
    def objects(self) -> Objects:
        return self.repository.objects

    def close(self) -> None:
        self.closed = True
        self.repository.close()


def test_the_vault_brings_back_what_is_gone(lab: Laboratory) -> None:
    bundle = Bundle(open_repository(lab.work))
    asked = []

    def vault(commit: str) -> Bundle:
        asked.append(commit)
        return bundle

    with serving_git(lab.root) as server:
        sources = lab.sources(vault=vault)
        answer = found(sources.find(lab.first, origin=f"{server.url}/gone.git"))
    assert answer.place is Place.VAULT
    assert asked == [f"swh:1:rev:{lab.first}"]
    assert whys_of(answer.reasons) == ["gone"]
    answer.revision.close()
    assert bundle.closed


def test_the_vault_is_not_asked_for_what_is_there(lab: Laboratory) -> None:
    def vault(commit: str) -> Bundle:
        raise AssertionError(commit)

    found(lab.sources(lab.work, vault=vault).find(lab.first)).revision.close()


def _holds_nothing(commit: str) -> None:
    del commit


def _is_down(commit: str) -> None:
    raise ServiceError(f"{commit}: the archive does not answer")


@pytest.mark.parametrize(
    ("vault", "whys_there"),
    [(_holds_nothing, ["gone", "absent"]), (_is_down, ["gone", "unreachable"])],
)
def test_a_vault_without_the_commit_is_told_from_one_that_is_down(
    lab: Laboratory, vault: Vault, whys_there: list[str]
) -> None:
    with serving_git(lab.root) as server:
        sources = lab.sources(vault=vault)
        answer = sources.find(lab.first, origin=f"{server.url}/gone.git")
    ask = not_found if vault is _holds_nothing else undecided
    assert whys(ask(answer)) == whys_there


# -- what the repository of another does -----------------------------------------------


def test_settings_of_a_source_are_not_in_force(lab: Laboratory) -> None:
    trap = lab.base / "trapped"
    config = lab.work / ".git" / "config"
    config.write_text(
        config.read_text() + f'[core]\n\tfsmonitor = "touch {trap}"\n'
        f"\talternateRefsCommand = touch {trap}\n"
        f'[filter "x"]\n\tsmudge = touch {trap}\n\tclean = touch {trap}\n'
        f'[remote "origin"]\n\turl = "ext::touch {trap}"\n\tpromisor = true\n'
        f"[extensions]\n\tpartialClone = origin\n"
    )
    (lab.work / ".gitattributes").write_text("* filter=x\n")
    lost = blob(lab.work, lab.first, "sum.py")
    (lab.work / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    answer = undecided(lab.sources(lab.work).find(lab.first, paths=["sum.py"]))
    assert answer.lacking == ("sum.py",)
    assert not trap.exists()


def test_replaced_objects_are_read_as_they_were(lab: Laboratory) -> None:
    other = commit(lab.work, {"sum.py": b"print(3)\n"}, "Something else")
    git(lab.work, "replace", lab.first, other)
    with found(lab.sources(lab.work).find(lab.first)).revision as revision:
        assert revision.objects.blob(revision.entries["sum.py"].id) == b"print(1)\n"


def test_a_password_in_an_address_is_shown_to_nobody(lab: Laboratory) -> None:
    for text in (
        "https://ada:secret@example.org/a",
        "https://ada:se/cret@example.org/a",
    ):
        given = lab.sources(text).find(lab.first)
        crate = lab.sources().find(lab.first, origin=text)
        told = lab.sources().reachability(lab.first, text)
        for shown in (given, crate, told):
            assert "cret" not in str(shown)
