"""Commits of task records are looked up, and the rest of a record stays as it is."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.capsules.commits import Archive, Place, Record, Whereabouts, look_up
from reverify.errors import UsageError
from reverify.services.git import Repository, open_repository

from tests.conftest import ROOT
from tests.fakes import NOON
from tests.gitrepos import commit, git, make_repository

RECORDS = ROOT / "fixtures" / "task-records"
LOST = "5f0c1e9ab2d34c7788990a1b2c3d4e5f60718293"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "work", {"a.py": b"1\n"})


@pytest.fixture
def reachable(work: Path) -> str:
    return git(work, "rev-parse", "HEAD")


@pytest.fixture
def unreachable(work: Path) -> str:
    return git(work, "commit-tree", "-m", "Lost", "HEAD^{tree}")


@pytest.fixture
def repository(work: Path) -> Iterator[Repository]:
    with open_repository(work) as opened:
        yield opened


def record(name: str, **ids: str) -> bytes:
    text = (RECORDS / name).read_text(encoding="utf-8")
    for word, id in ids.items():
        text = text.replace(f'"{word}"', f'"{id}"')
    return text.encode()


# -- looking ---------------------------------------------------------------------------


def test_each_commit_is_where_it_is(
    repository: Repository, reachable: str, unreachable: str
) -> None:
    ids = [reachable, unreachable, LOST, reachable[:9], "abc", "HEAD", f"{LOST}\n"]
    answers = look_up(ids, {"work": repository})
    assert [answer.place for answer in answers] == [
        Place.REACHABLE,
        Place.UNREACHABLE,
        Place.UNKNOWN,
        Place.ABBREVIATED,
        Place.MALFORMED,
        Place.MALFORMED,
        Place.MALFORMED,
    ]
    assert answers[0].references == ("refs/heads/main",)
    assert answers[0].reason == "in work, reached from refs/heads/main"
    assert answers[1].source == "work"
    assert answers[3].candidates == (reachable,)
    assert {answer.archive for answer in answers} == {Archive.UNTESTED}
    assert "the archive was not asked" in answers[2].reason


def test_an_id_in_upper_case_is_no_id(repository: Repository, reachable: str) -> None:
    (answer,) = look_up([reachable.upper()], {"work": repository})
    assert answer.place is Place.MALFORMED


def test_what_is_a_tree_is_no_commit(work: Path, repository: Repository) -> None:
    tree = git(work, "rev-parse", "HEAD^{tree}")
    (answer,) = look_up([tree], {"work": repository})
    assert answer.place is Place.UNKNOWN


def test_a_repository_that_reaches_a_commit_counts_more_than_one_that_has_it(
    work: Path, repository: Repository, unreachable: str
) -> None:
    other = work.parent / "other"
    git(work, "branch", "side", unreachable)
    git(work, "clone", "-q", "--no-hardlinks", str(work), str(other))
    git(work, "branch", "-q", "-D", "side")
    with open_repository(other) as second:
        (answer,) = look_up([unreachable], {"first": repository, "second": second})
    assert (answer.place, answer.source) == (Place.REACHABLE, "second")
    assert answer.references == ("refs/remotes/origin/side",)


def test_a_shallow_clone_cannot_say_what_is_gone(work: Path, reachable: str) -> None:
    commit(work, {"a.py": b"2\n"})
    shallow = work.parent / "shallow"
    git(work, "clone", "-q", "--depth=1", f"file://{work}", str(shallow))
    with open_repository(shallow) as found:
        (answer,) = look_up([reachable], {"shallow": found})
        assert answer.place is Place.UNDETERMINED
        assert "shallow" in answer.reason
        (answer,) = look_up([found.head() or ""], {"shallow": found})
        assert answer.place is Place.REACHABLE


def test_damage_is_not_taken_for_loss(
    work: Path, repository: Repository, unreachable: str
) -> None:
    (work / ".git/refs/heads/broken").write_text(LOST)
    (answer,) = look_up([unreachable], {"work": repository})
    assert answer.place is Place.UNDETERMINED
    assert "refs/heads/broken" in answer.reason


def test_sha256_commits_are_looked_up_and_the_archive_is_not_asked(
    tmp_path: Path,
) -> None:
    work = make_repository(tmp_path / "new", {"a": b"1"}, "--object-format=sha256")
    asked: list[str] = []

    def ask(ids: Sequence[str]) -> dict[str, bool]:
        asked.extend(ids)
        return dict.fromkeys(ids, False)

    with open_repository(work) as found:
        head = found.head() or ""
        answers = look_up([head, "0" * 64, LOST], {"new": found}, ask)
    assert [answer.place for answer in answers] == [
        Place.REACHABLE,
        Place.UNKNOWN,
        Place.GONE,
    ]
    assert "cannot be asked about SHA-256" in answers[1].reason
    assert asked == [LOST]


def test_the_archive_is_asked_once_for_all_that_is_lost(
    repository: Repository, reachable: str
) -> None:
    asked: list[list[str]] = []

    def ask(ids: Sequence[str]) -> dict[str, bool]:
        asked.append(list(ids))
        return {id: id == LOST for id in ids}

    answers = look_up([reachable, LOST, "1" * 40], {"work": repository}, ask)
    assert asked == [[LOST, "1" * 40]]
    assert [answer.place for answer in answers] == [
        Place.REACHABLE,
        Place.ARCHIVED,
        Place.GONE,
    ]
    assert answers[1].reason == f"held by the archive alone: swh:1:rev:{LOST}"
    assert answers[2].archive is Archive.UNKNOWN
    assert "nor in the archive" in answers[2].reason


# -- the record ------------------------------------------------------------------------


def test_a_record_after_an_incident_says_what_was_found(
    repository: Repository, reachable: str, unreachable: str
) -> None:
    data = record(
        "after-an-incident.json",
        REACHABLE=reachable,
        UNREACHABLE=unreachable,
        SHORT=reachable[:10],
    )
    read = Record(data, "record")
    answers = look_up(read.ids, {"work": repository}, nothing_held)
    written = read.rewritten(answers, NOON)
    after, before = json.loads(written), json.loads(data)
    assert after["completion_shas"] == [unreachable, reachable[:10], reachable]
    assert after["completion_shas_missing"] == [LOST, "see the pull request"]
    assert after["completion_shas_checked_at"] == "2026-01-31T12:00:00Z"
    assert list(after) == list(before)
    kept = [line for line in data.splitlines() if b"completion_shas" not in line]
    others = [line for line in kept if b'        "' not in line]
    assert [line for line in written.splitlines() if line in others] == others
    assert b"1.50" in written
    assert b"\\u2014" in written


def nothing_held(ids: Sequence[str]) -> dict[str, bool]:
    return dict.fromkeys(ids, False)


def test_a_commit_that_the_archive_was_not_asked_about_is_not_written_as_missing(
    repository: Repository,
) -> None:
    document = {"completion_shas": [LOST], "completion_shas_missing": ["1" * 40]}
    read = Record(json.dumps(document).encode(), "record")
    answers = look_up(read.ids, {"work": repository})
    assert [answer.place for answer in answers] == [Place.UNKNOWN, Place.UNKNOWN]
    after = json.loads(read.rewritten(answers, NOON))
    assert {key: after[key] for key in document} == document


def test_what_is_looked_up_again_is_written_alike(
    repository: Repository, reachable: str
) -> None:
    data = record("one-line.json", REACHABLE=reachable)
    once = rewritten(data, repository)
    assert (
        once
        == (
            f'{{"id":"task-0043","completion_shas":["{reachable}"],"done":true,'
            '"completion_shas_missing":[],'
            '"completion_shas_checked_at":"2026-01-31T12:00:00Z"}'
        ).encode()
    )
    assert rewritten(once, repository) == once


def rewritten(data: bytes, repository: Repository) -> bytes:
    read = Record(data, "record")
    return read.rewritten(look_up(read.ids, {"work": repository}), NOON)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[]", "a task record is a JSON object"),
        (b'"completion_shas"', "a task record is a JSON object"),
        (b"{", "is no JSON, line 1, column 2"),
        (b"\xff", "is not UTF-8"),
        (b"{}", "has no completion_shas"),
        (b'{"completion_shas": "abc"}', "must be a list of ids"),
        (b'{"completion_shas": [1]}', "must be a list of ids"),
        (b'{"completion_shas": [], "completion_shas": []}', "twice"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
    ],
)
def test_what_is_no_record_is_told(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Record(data, "record")


def test_a_list_that_is_null_names_no_commits() -> None:
    read = Record(b'{"completion_shas": null}', "record")
    assert read.ids == []
    after = json.loads(read.rewritten([], NOON))
    assert after["completion_shas"] == []


def test_a_byte_order_mark_stays() -> None:
    read = Record(b'\xef\xbb\xbf{"completion_shas": []}', "record")
    assert read.rewritten([], NOON).startswith(b"\xef\xbb\xbf{")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ID = st.text("0123456789abcdef", min_size=40, max_size=40)


@given(
    others=st.dictionaries(st.text(), JSON),
    found=st.lists(ID),
    missing=st.none() | st.lists(ID),
    place=st.sampled_from(Place),
    indent=st.none() | st.integers(0, 4) | st.just("\t"),
    ascii=st.booleans(),
)
def test_no_id_and_no_other_field_is_ever_lost(
    *,
    others: dict[str, object],
    found: list[str],
    missing: list[str] | None,
    place: Place,
    indent: int | str | None,
    ascii: bool,
) -> None:
    document = {**others, "completion_shas": found}
    if missing is not None:
        document["completion_shas_missing"] = missing
    text = json.dumps(document, indent=indent, ensure_ascii=ascii)
    data = text.encode("utf-8", "surrogatepass")
    try:
        read = Record(data, "record")
    except UsageError as error:
        assert "UTF-8" in str(error)  # noqa: PT017 - half of a surrogate pair
        return
    answers = [Whereabouts(id=id, place=place, reason="so") for id in read.ids]
    after = json.loads(read.rewritten(answers, NOON))
    ids = {*found, *(missing or ())}
    ours = ("completion_shas", "completion_shas_missing", "completion_shas_checked_at")
    assert {*after["completion_shas"], *after["completion_shas_missing"]} == ids
    assert {k: v for k, v in after.items() if k not in ours} == {
        k: v for k, v in others.items() if k not in ours
    }
