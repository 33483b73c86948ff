"""Whether a branch or tag holds on to a commit, and what became of it if none does."""

from pathlib import Path

import pytest
from reverify.services.git import CodeLimits, Likeness, Loss, Reach, read_mirrors

from tests.gitrepos import commit, git
from tests.services.git_server import Manner, serving_git
from tests.services.git_setting import (
    NEVER,
    Laboratory,
    found,
    not_found,
    take_away,
    undecided,
    whys,
)

LOCAL = frozenset({"127.0.0.1"})


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)


# -- on a branch or tag ----------------------------------------------------------------


def test_a_tip_is_told_from_the_list_of_branches_alone(lab: Laboratory) -> None:
    git(lab.work, "tag", "-a", "-m", "One", "v1", lab.first)
    lab.publish()
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources().reachability(lab.second, url)
        assert answer.reach is Reach.REFERENCE
        assert answer.references == ("refs/heads/main",)
        tagged = lab.sources().reachability(lab.first, url)
        assert tagged.references == ("refs/tags/v1",)
    assert not list(lab.cache.glob("*/history*"))


def test_what_lies_deeper_is_told_from_history_without_files(lab: Laboratory) -> None:
    git(lab.work, "tag", "v2")
    git(lab.work, "branch", "other")
    lab.publish()
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources().reachability(lab.first, url)
    assert answer.reach is Reach.REFERENCE
    assert answer.references == ("refs/heads/main", "refs/heads/other", "refs/tags/v2")
    assert git(lab.work, "rev-parse", "HEAD:data/rain.csv") not in lab.kept()


def test_tags_of_other_things_than_commits_do_not_matter(lab: Laboratory) -> None:
    git(lab.work, "tag", "file", "HEAD:sum.py")
    git(lab.work, "tag", "-a", "-m", "A tree", "tree", "HEAD:data")
    lab.publish()
    with serving_git(lab.root) as server:
        answer = lab.sources().reachability(lab.first, f"{server.url}/code.git")
    assert answer.references == ("refs/heads/main",)


def test_an_old_server_tells_it_too(lab: Laboratory) -> None:
    lab.publish()
    with serving_git(lab.root, Manner(old=True, settings=())) as server:
        answer = lab.sources().reachability(lab.first, f"{server.url}/code.git")
    assert answer.references == ("refs/heads/main",)


# -- four ways to lose a commit --------------------------------------------------------


def test_a_branch_whose_history_was_rewritten_is_told(lab: Laboratory) -> None:
    bare = lab.publish()
    git(lab.work, "commit", "-q", "--amend", "-m", "Sum much better")
    git(lab.work, "push", "-q", "--force", str(bare), "main")
    with serving_git(lab.root) as server:
        answer = lab.sources().reachability(lab.second, f"{server.url}/code.git")
    assert answer.reach is Reach.HASH
    assert answer.loss is Loss.REWRITTEN
    assert answer.twin == git(lab.work, "rev-parse", "HEAD")
    assert "history was rewritten" in answer.reason


def test_a_branch_that_was_rewritten_is_told_by_its_name(lab: Laboratory) -> None:
    bare = lab.publish()
    git(lab.work, "reset", "-q", "--hard", lab.first)
    commit(lab.work, {"other.py": b"\n"}, "Something else")
    git(lab.work, "push", "-q", "--force", str(bare), "main")
    with serving_git(lab.root) as server:
        sources, url = lab.sources(), f"{server.url}/code.git"
        answer = sources.reachability(lab.second, url, branch="main")
    assert (answer.reach, answer.loss) == (Reach.HASH, Loss.REWRITTEN)
    assert answer.twin is None


def test_a_branch_that_was_deleted_is_told(lab: Laboratory) -> None:
    git(lab.work, "checkout", "-q", "-b", "idea")
    lost = commit(lab.work, {"idea.py": b"\n"}, "Try something")
    bare = lab.publish()
    git(bare, "update-ref", "-d", "refs/heads/idea")
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        found(lab.sources().find(lost, origin=url)).revision.close()
        answer = lab.sources().reachability(lost, url, branch="idea")
        assert (answer.reach, answer.loss) == (Reach.HASH, Loss.DELETED)
        unnamed = lab.sources().reachability(lost, url)
        assert (unnamed.reach, unnamed.loss) == (Reach.HASH, Loss.UNKNOWN)
        assert not answer.from_fork


def test_a_commit_that_the_server_has_thrown_away_is_gone(lab: Laboratory) -> None:
    bare = lab.publish()
    git(bare, "update-ref", "refs/heads/main", lab.first)
    git(bare, "reflog", "expire", "--expire=now", "--all")
    git(bare, "gc", "-q", "--prune=now")
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources().reachability(lab.second, url)
        assert answer.reach is Reach.GONE
        assert whys(not_found(lab.sources().find(lab.second, origin=url))) == ["absent"]


def test_a_commit_that_an_old_server_does_not_lead_to_is_gone(lab: Laboratory) -> None:
    bare = lab.publish()
    git(bare, "update-ref", "refs/heads/main", lab.first)
    with serving_git(lab.root, Manner(old=True)) as server:
        answer = lab.sources().reachability(lab.second, f"{server.url}/code.git")
    assert answer.reach is Reach.GONE
    assert "the server gives nothing else" in answer.reason


def test_a_repository_that_is_gone_altogether_is_told(lab: Laboratory) -> None:
    with serving_git(lab.root) as server:
        answer = lab.sources().reachability(lab.first, f"{server.url}/code.git")
    assert answer.reach is Reach.NO_REPOSITORY


def test_the_four_losses_give_four_answers(lab: Laboratory) -> None:
    """Rewritten, deleted, gone altogether, lacking a blob: none is like another."""
    bare = lab.publish()
    git(lab.work, "checkout", "-q", "-b", "idea")
    idea = commit(lab.work, {"idea.py": b"\n"}, "Try something")
    git(lab.work, "push", "-q", str(bare), "idea")
    git(bare, "update-ref", "-d", "refs/heads/idea")
    git(lab.work, "checkout", "-q", "main")
    git(lab.work, "commit", "-q", "--amend", "-m", "Sum much better")
    git(lab.work, "push", "-q", "--force", str(bare), "main")
    lacking = lab.publish("lacking.git")
    lost = git(lab.work, "rev-parse", "HEAD:sum.py")
    take_away(lacking, lost)
    with serving_git(lab.root) as server:
        url, sources = f"{server.url}/code.git", lab.sources()
        rewritten = sources.reachability(lab.second, url, branch="main")
        deleted = sources.reachability(idea, url, branch="idea")
        gone = sources.reachability(lab.second, f"{server.url}/gone.git")
        lacks = undecided(
            sources.find(
                git(lab.work, "rev-parse", "HEAD"),
                origin=f"{server.url}/lacking.git",
                paths=["sum.py"],
            )
        )
    assert (rewritten.reach, rewritten.loss) == (Reach.HASH, Loss.REWRITTEN)
    assert (deleted.reach, deleted.loss) == (Reach.HASH, Loss.DELETED)
    assert gone.reach is Reach.NO_REPOSITORY
    assert lacks.lacking == ("sum.py",)
    assert lacks.revision is not None
    with lacks.revision as revision:
        compared = revision.compare("sum.py", "2" * 40, sha256="3" * 64, size=9)
    assert compared.likeness is Likeness.UNKNOWN


# -- forks -----------------------------------------------------------------------------


def test_a_commit_of_a_fork_may_answer_by_its_hash_alone(lab: Laboratory) -> None:
    bare = lab.publish()
    fork = commit(lab.work, {"theirs.py": b"\n"}, "Of somebody else")
    git(lab.work, "push", "-q", str(bare), "HEAD:refs/heads/fork")
    git(bare, "update-ref", "-d", "refs/heads/fork")
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources(fork_hosts=LOCAL).reachability(fork, url)
    assert answer.reach is Reach.HASH
    assert answer.from_fork
    assert "may be from a fork" in answer.reason


def test_a_commit_that_was_only_proposed_is_told(lab: Laboratory) -> None:
    bare = lab.publish()
    fork = commit(lab.work, {"theirs.py": b"\n"}, "Of somebody else")
    git(lab.work, "push", "-q", str(bare), "HEAD:refs/pull/7/head")
    with serving_git(lab.root) as server:
        answer = lab.sources().reachability(fork, f"{server.url}/code.git")
    assert answer.reach is Reach.HASH
    assert answer.proposals == ("refs/pull/7/head",)


# -- what cannot be told ---------------------------------------------------------------


def test_a_history_that_is_too_long_is_not_told(lab: Laboratory) -> None:
    lab.publish()
    limits = CodeLimits(history_bytes=200)
    with serving_git(lab.root) as server:
        url = f"{server.url}/code.git"
        answer = lab.sources(limits=limits).reachability(lab.first, url)
    assert answer.reach is Reach.UNKNOWN
    assert "more than 200 bytes" in answer.reason


@pytest.mark.parametrize("status", [401, 500])
def test_a_server_that_does_not_answer_tells_nothing(
    lab: Laboratory, status: int
) -> None:
    with serving_git(lab.root, Manner(status=status)) as server:
        answer = lab.sources().reachability(lab.first, f"{server.url}/code.git")
    assert answer.reach is Reach.UNKNOWN


def test_offline_nothing_is_told(lab: Laboratory) -> None:
    sources = lab.sources(http=None)
    answer = sources.reachability(lab.first, "https://example.org/code.git")
    assert answer.reach is Reach.UNKNOWN
    assert "offline" in answer.reason


def test_a_hostile_address_tells_nothing(lab: Laboratory) -> None:
    answer = lab.sources().reachability(lab.first, "ext::touch")
    assert answer.reach is Reach.UNKNOWN


# -- mirrors ---------------------------------------------------------------------------


def test_a_mirror_is_asked_in_place_of_the_origin(lab: Laboratory) -> None:
    lab.publish("a.git")
    mirrors = read_mirrors([f"https://example.org/=file://{lab.root}/"])
    sources = lab.sources(http=None, mirrors=mirrors)
    url = "https://example.org/a"
    assert sources.reachability(lab.first, url).references == ("refs/heads/main",)
    assert sources.reachability(NEVER, url).reach is Reach.GONE


def test_a_commit_of_a_mirror_that_no_branch_reaches_is_told(lab: Laboratory) -> None:
    bare = lab.publish("a.git")
    git(bare, "update-ref", "refs/heads/main", lab.first)
    mirrors = read_mirrors([f"https://example.org/=file://{lab.root}/"])
    sources = lab.sources(http=None, mirrors=mirrors)
    answer = sources.reachability(lab.second, "https://example.org/a")
    assert answer.reach is Reach.HASH
