"""The archive at the wire: what is asked, and what its answers are taken for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from reverify.model.swhid import Swhid, git_id, read_swhid
from reverify.services.http import Http
from reverify.services.software_heritage import (
    Answer,
    Archive,
    CouldNotTell,
    Held,
    NotHeld,
    Patience,
    Served,
    Withheld,
)
from reverify.services.software_heritage.objects import (
    Branch,
    Content,
    Directory,
    DirectoryEntry,
    ExternalId,
    RawObject,
    Release,
    Resolved,
    Revision,
    Snapshot,
)
from reverify.services.software_heritage.origins import (
    Origin,
    SaveRequest,
    Visit,
    Visits,
)

from tests.services.swh_objects import git
from tests.services.swh_setting import (
    ORIGIN,
    Setting,
    Time,
    repository,
    served,
    untold,
)

NOBODY = "0" * 40


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    found = Setting(tmp_path)
    with found.double.at_the_wire():
        yield found


def many(count: int) -> list[str]:
    return [f"swh:1:cnt:{number:040x}" for number in range(count)]


# -- what is known -----------------------------------------------------------------


def test_a_thousand_identifiers_are_one_request(setting: Setting) -> None:
    answers = setting.archive.known([*many(999), setting.repository.rev])
    assert len(setting.double.asked) == 1
    assert isinstance(answers[setting.repository.rev], Held)
    assert isinstance(answers[many(1)[0]], NotHeld)
    assert setting.archive.known(many(1001)).keys() == set(many(1001))
    assert len(setting.double.asked) == 3


def test_forty_thousand_identifiers_are_forty_requests_and_then_none(
    tmp_path: Path,
) -> None:
    setting = Setting(tmp_path, keep=True)
    asked = many(40_000)
    with setting.double.at_the_wire():
        first = setting.archive.known(asked + asked[:5000])
        assert (
            setting.double.count("/known/", "POST") == len(setting.double.asked) == 40
        )
        again = setting.client().known(asked)
        assert len(setting.double.asked) == 40
    assert list(first) == list(again) == asked
    assert all(isinstance(answer, NotHeld) for answer in again.values())


def test_what_is_no_core_identifier_is_not_sent(setting: Setting) -> None:
    bad = [
        "swh:1:ext:" + NOBODY,
        "swh:1:rev:" + "A" * 40,
        "swh:1:rev:" + "a" * 39,
        "swh:1:rev:" + "a" * 64,
        "swh:1:rev:" + "a" * 40 + "\n",
        setting.repository.rev + ";origin=https://x.example",
        "",
    ]
    answers = setting.archive.known([*bad, setting.repository.rev])
    (asked,) = setting.double.asked
    assert json.loads(asked.body) == [setting.repository.rev]
    for text in bad:
        assert "is no core SWHID" in untold(answers[text]).reason
        assert untold(answers[text]).asked is None
    assert setting.archive.known(bad[:1])
    assert len(setting.double.asked) == 1


def test_an_answer_carries_what_was_asked_when_and_the_status(setting: Setting) -> None:
    answer = setting.archive.known([setting.repository.rev])[setting.repository.rev]
    assert answer.asked is not None
    assert answer.asked.url == f"{setting.double.base}known/"
    assert (answer.asked.at, answer.asked.status) == (setting.time.now(), 200)


def test_what_the_archive_leaves_out_is_not_taken_for_not_held(
    setting: Setting,
) -> None:
    setting.double.fail("shape", 1)
    answers = setting.archive.known([setting.repository.rev])
    assert "not about this" in untold(answers[setting.repository.rev]).reason


@pytest.mark.parametrize("fault", ["500", "503"])
def test_batches_after_one_that_failed_are_not_sent(
    setting: Setting, fault: str
) -> None:
    setting.double.fail(fault)
    answers = setting.archive.known(many(3000))
    assert len(setting.double.asked) == 4
    assert all(isinstance(answer, CouldNotTell) for answer in answers.values())
    assert untold(answers[many(1)[0]]).asked is not None
    assert untold(answers[many(3000)[-1]]).asked is None


# -- two kinds of 404, masked objects, refusals ------------------------------------


def test_an_object_that_is_not_there_is_not_held(setting: Setting) -> None:
    answer = setting.archive.revision(NOBODY)
    assert isinstance(answer, NotHeld)
    assert NOBODY in answer.reason
    assert answer.asked.status == 404


def test_a_place_that_is_not_in_the_api_tells_nothing(setting: Setting) -> None:
    setting.double.base = "https://archive.softwareheritage.org/elsewhere/"
    answer = untold(setting.archive.revision(setting.repository.commit))
    assert "REVERIFY_SWH_URL" in answer.reason
    assert answer.asked is not None
    assert answer.asked.status == 404


def test_a_404_of_a_proxy_tells_nothing(setting: Setting) -> None:
    setting.double.fail("html 404")
    assert "not the API" in untold(setting.archive.revision(NOBODY)).reason


def test_a_masked_object_is_withheld_though_it_is_known(setting: Setting) -> None:
    rev = setting.repository.rev
    setting.double.mask(rev, "decision-pending")
    answer = setting.archive.revision(setting.repository.commit)
    assert isinstance(answer, Withheld)
    assert answer.objects == ((rev, "decision-pending"),)
    assert isinstance(setting.archive.known([rev])[rev], Held)


def test_a_token_that_is_refused_tells_nothing(tmp_path: Path) -> None:
    setting = Setting(tmp_path, token="expired")
    with setting.double.at_the_wire():
        answer = untold(setting.archive.revision(setting.repository.commit))
    assert "refuses the token" in answer.reason
    assert len(setting.double.asked) == 1


def test_a_token_is_sent_as_a_bearer(tmp_path: Path) -> None:
    setting = Setting(tmp_path, token="abc")
    setting.double.tokens.add("abc")
    with setting.double.at_the_wire():
        served(setting.archive.revision(setting.repository.commit), Revision)
    assert setting.double.asked[0].headers["authorization"] == "Bearer abc"


# -- objects -----------------------------------------------------------------------


def test_a_revision_is_read(setting: Setting) -> None:
    found = served(setting.archive.revision(setting.repository.commit), Revision)
    assert (found.directory, found.parents) == (setting.repository.tree, ())
    assert found.author == "Ada Example <ada@example.org>"
    assert (found.message, found.date) == ("First\n", "2023-11-14T23:13:20+01:00")
    (asked,) = setting.double.asked
    assert asked.path == f"/api/1/revision/{setting.repository.commit}/"
    assert asked.headers["accept"] == "application/json"


def test_a_release_is_read(setting: Setting) -> None:
    found = served(setting.archive.release(setting.repository.tag), Release)
    expected = ("v1.0", "revision", setting.repository.commit)
    assert (found.name, found.target_type, found.target) == expected


def test_a_directory_is_read_and_its_id_comes_out(setting: Setting) -> None:
    found = served(setting.archive.directory(setting.repository.tree), Directory)
    assert [entry.name for entry in found.entries] == ["ln", "run", "src", "src.txt"]
    modes = [entry.mode for entry in found.entries]
    assert modes == [0o120000, 0o100755, 0o040000, 0o100644]
    assert found.recomputed() == setting.repository.tree


def test_an_empty_directory_is_read(setting: Setting) -> None:
    setting.double.objects.add("tree", b"")
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    found = served(setting.archive.directory(empty), Directory)
    assert (found.entries, found.recomputed()) == ((), empty)


def test_a_name_that_cannot_be_told_leaves_the_id_open(setting: Setting) -> None:
    body = b"100644 caf\xe9\0" + bytes.fromhex(setting.repository.blob)
    setting.double.objects.add("tree", body)
    id = git_id("tree", body)
    found = served(setting.archive.directory(id), Directory)
    assert found.entries[0].name == "caf\\xe9"
    assert found.recomputed() is None


def test_a_path_below_a_directory_is_looked_up(setting: Setting) -> None:
    found = served(
        setting.archive.entry(setting.repository.tree, "src/a.txt"), DirectoryEntry
    )
    assert (found.name, found.target) == ("src/a.txt", setting.repository.blob)
    assert found.parent != setting.repository.tree
    assert found.checksums["sha256"].startswith("5891b5b522d5df08")
    absent = setting.archive.entry(setting.repository.tree, "src/b.txt")
    assert isinstance(absent, NotHeld)


def test_a_path_is_encoded_part_by_part(setting: Setting, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    name = "ä #1?/100%;a b.txt"
    path = other.path / name
    path.parent.mkdir()
    path.write_text("x")
    git("add", ".", at=other.path)
    git("commit", "-q", "-m", "Odd", at=other.path)
    setting.double.load(other.path)
    tree = git("rev-parse", "HEAD^{tree}", at=other.path).decode().strip()
    found = served(setting.archive.entry(tree, name), DirectoryEntry)
    assert found.target == git_id("blob", b"x")


@pytest.mark.parametrize("path", ["../../known", "a/./b", "a//b", "/a", "", "a/.."])
def test_a_path_that_would_lead_elsewhere_is_not_asked(
    setting: Setting, path: str
) -> None:
    untold(setting.archive.entry(setting.repository.tree, path))
    assert setting.double.asked == []


def test_a_path_that_is_no_utf8_is_not_asked(setting: Setting) -> None:
    answer = setting.archive.entry(setting.repository.tree, "caf\udce9")
    assert "no UTF-8" in untold(answer).reason
    assert setting.double.asked == []


def test_a_path_with_a_backslash_is_not_said_to_be_absent(setting: Setting) -> None:
    answer = setting.archive.entry(setting.repository.tree, "a\\xe9")
    assert "backslash" in untold(answer).reason


def test_a_snapshot_is_read_and_its_id_comes_out(setting: Setting) -> None:
    assert setting.snapshot == "c4453376d4f32637188c68f14c7dd77ca8ae2d02"
    found = served(setting.archive.snapshot(setting.snapshot), Snapshot)
    assert found.recomputed() == setting.snapshot
    tip = Branch(target=setting.repository.commit, type="revision")
    assert found.branch("HEAD") == found.branch("refs/heads/main") == tip
    assert found.branch("refs/heads/gone") is None


def test_a_snapshot_of_many_branches_is_read_page_by_page(
    setting: Setting, tmp_path: Path
) -> None:
    other = repository(tmp_path / "other")
    lines = [f"create refs/heads/b{n:04} {other.commit}" for n in range(2500)]
    git("update-ref", "--stdin", at=other.path, given="\n".join(lines).encode() + b"\n")
    snapshot = setting.double.load(other.path)
    found = served(setting.archive.snapshot(snapshot), Snapshot)
    assert len(found.branches) == 2503
    assert found.recomputed() == snapshot
    assert setting.double.count("/snapshot/") == 3


def test_dangling_branches_and_odd_names_come_out_of_a_snapshot(
    setting: Setting,
) -> None:
    target = b"revision refs/heads/a\\b\xff\x0020:" + bytes(20)
    body = b"dangling refs/heads/\\x41\x000:" + target
    setting.double.objects.add("snapshot", body)
    found = served(setting.archive.snapshot(git_id("snapshot", body)), Snapshot)
    assert found.branches["refs/heads/\\\\x41"] is None
    assert found.recomputed() == found.id


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ({}, "1a8893e6a86f444e8be8e7bda6cb34fb1735a00e"),
        (
            {
                "HEAD": Branch(target="refs/heads/main", type="alias"),
                "refs/heads/gone": None,
                "refs/heads/main": Branch(
                    target="820fc98b0ccb1593fd11dcf2f032c7dd20f69712", type="revision"
                ),
                "refs/tags/v1.0": Branch(
                    target="22ef6e0cb6ca45a10755f53c5a48faa7ec46e5bb", type="release"
                ),
            },
            "ca72892d328e322e920fa223758ef6cc65f3170e",
        ),
    ],
)
def test_snapshots_have_the_ids_of_the_vectors(
    branches: dict[str, Branch | None], expected: str
) -> None:
    assert Snapshot(id=expected, branches=branches).recomputed() == expected


def test_an_alias_that_leads_round_in_circles_leads_nowhere() -> None:
    first = Branch(target="b", type="alias")
    second = Branch(target="a", type="alias")
    found = Snapshot(id=NOBODY, branches={"a": first, "b": second})
    assert found.branch("a") is None


def test_a_file_is_looked_up_by_any_digest(setting: Setting) -> None:
    found = served(setting.archive.content(setting.repository.blob), Content)
    assert (found.length, found.status) == (6, "visible")
    assert "/content/sha1_git:" in setting.double.asked[0].path
    for algorithm in ("sha1", "sha256", "blake2s256"):
        digest = found.checksums[algorithm]
        assert served(setting.archive.content(digest, algorithm), Content) == found
    for algorithm in ("md5", "sha512"):
        untold(setting.archive.content("0" * 32, algorithm))
    assert len(setting.double.asked) == 4


def test_raw_bytes_prove_their_id(setting: Setting) -> None:
    for swhid in (setting.repository.rev, setting.repository.dir):
        found = served(setting.archive.raw(swhid), RawObject)
        assert found.agrees
    snapshot = f"swh:1:snp:{setting.snapshot}"
    assert served(setting.archive.raw(snapshot), RawObject).agrees
    setting.double.objects.bodies[setting.repository.rev] += b"x"
    assert not served(setting.archive.raw(setting.repository.rev), RawObject).agrees
    assert isinstance(setting.archive.raw(f"swh:1:cnt:{NOBODY}"), NotHeld)


def test_a_file_too_large_for_the_archive_is_listed_but_not_held(
    setting: Setting,
) -> None:
    swhid = f"swh:1:cnt:{setting.repository.blob}"
    setting.double.objects.absent.add(swhid)
    entry = served(
        setting.archive.entry(setting.repository.tree, "src.txt"), DirectoryEntry
    )
    assert entry.status == "absent"
    assert isinstance(setting.archive.known([swhid])[swhid], NotHeld)
    assert isinstance(setting.archive.content(setting.repository.blob), NotHeld)


@pytest.mark.parametrize("id", ["", "main", "a" * 39, "A" * 40, "a" * 40 + "\n"])
def test_what_is_no_id_is_not_asked(setting: Setting, id: str) -> None:
    archive = setting.archive
    answers: list[Answer[object]] = [
        archive.revision(id),
        archive.release(id),
        archive.directory(id),
        archive.snapshot(id),
        archive.content(id),
        archive.entry(id, "a"),
        archive.raw(f"swh:1:rev:{id}"),
        archive.resolve(Swhid("rev", id)),
    ]
    assert all(isinstance(answer, CouldNotTell) for answer in answers)
    assert setting.double.asked == []


def test_an_id_of_a_sha256_repository_cannot_be_expressed(setting: Setting) -> None:
    answer = untold(setting.archive.revision("a" * 64))
    assert "SHA-256" in answer.reason


def test_an_id_of_another_system_is_looked_up(setting: Setting) -> None:
    node = "12" * 20
    setting.double.external["hg-nodeid", 0, node] = setting.repository.rev
    found = served(setting.archive.external_id("hg-nodeid", node), ExternalId)
    assert found.target == setting.repository.rev
    all_of_it = setting.archive.external_ids(setting.repository.rev)
    assert served(all_of_it, tuple) == (found,)
    nothing = setting.archive.external_id("checksum-sha256", "00" * 32, version=1)
    assert isinstance(nothing, NotHeld)
    assert setting.double.asked[-1].path.endswith("?extid_version=1")


# -- resolving ---------------------------------------------------------------------


def _swhid(text: str) -> Swhid:
    found = read_swhid(text)
    assert isinstance(found, Swhid)
    return found


def test_a_qualified_identifier_is_resolved(setting: Setting) -> None:
    repo = setting.repository
    text = f"swh:1:cnt:{repo.blob};origin={ORIGIN};anchor={repo.rev};path=/src.txt"
    found = served(setting.archive.resolve(_swhid(text)), Resolved)
    assert found.core == f"swh:1:cnt:{repo.blob}"
    assert found.qualifiers["path"] == "/src.txt"


def test_an_identifier_is_encoded_as_one_part_of_the_path(setting: Setting) -> None:
    text = f"{setting.repository.rev};origin=https://x.example/a%3Bb"
    assert isinstance(setting.archive.resolve(_swhid(text)), NotHeld)
    (asked,) = setting.double.asked
    segment = asked.path.removeprefix("/api/1/resolve/").removesuffix("/")
    assert "/" not in segment
    assert unquote(segment) == text


def test_bytes_are_left_out_since_the_api_does_not_know_them(setting: Setting) -> None:
    swhid = Swhid("cnt", setting.repository.blob, (("bytes", "0-3"),))
    served(setting.archive.resolve(swhid), Resolved)


def test_a_false_path_resolves_as_it_does_in_the_archive(setting: Setting) -> None:
    repo = setting.repository
    text = f"swh:1:cnt:{repo.blob};anchor={repo.rev};path=/no/such.txt"
    served(setting.archive.resolve(_swhid(text)), Resolved)


# -- origins -----------------------------------------------------------------------


def test_an_origin_is_found_with_or_without_git(setting: Setting) -> None:
    find = setting.archive.origins.find
    assert served(find(ORIGIN), Origin).visit_types == ("git",)
    assert len(setting.double.asked) == 1
    assert served(find(f"{ORIGIN}.git"), Origin).url == ORIGIN
    assert isinstance(find("https://github.com/ada/snow"), NotHeld)
    assert isinstance(find(ORIGIN.replace("ada", "Ada")), NotHeld)


def test_an_origin_with_odd_characters_is_encoded(setting: Setting) -> None:
    origin = "https://x.example/r?a=1&b=%20#c"
    setting.double.visit(origin, setting.snapshot)
    assert served(setting.archive.origins.exact(origin), Origin).url == origin


@pytest.mark.parametrize(
    "url",
    ["https://x.example/../../../known", "https://x.example/a b", "x\n", "", "a\udce9"],
)
def test_an_origin_that_would_lead_elsewhere_is_not_asked(
    setting: Setting, url: str
) -> None:
    origins = setting.archive.origins
    answers: list[Answer[object]] = [
        origins.find(url),
        origins.visits(url),
        origins.latest_visit(url),
        origins.save(url),
    ]
    assert all(isinstance(answer, CouldNotTell) for answer in answers)
    assert setting.double.asked == []


def test_visits_are_listed_the_newest_first_page_by_page(setting: Setting) -> None:
    for _ in range(249):
        setting.double.visit(ORIGIN, None, status="failed")
    found = served(setting.archive.origins.visits(ORIGIN), Visits)
    assert [visit.number for visit in found.visits] == list(range(250, 0, -1))
    assert found.complete
    assert setting.double.count("/visits/") == 3


def test_visits_are_listed_whole_even_if_pages_are_short(setting: Setting) -> None:
    setting.double.page_of_visits = 7
    for _ in range(19):
        setting.double.visit(ORIGIN, None, status="failed")
    found = served(setting.archive.origins.visits(ORIGIN), Visits)
    assert len(found.visits) == 20


def test_no_more_is_asked_once_a_snapshot_is_found(setting: Setting) -> None:
    for _ in range(150):
        setting.double.visit(ORIGIN, "1" * 40)
    visits = setting.archive.origins.visits(ORIGIN, snapshot="1" * 40)
    assert not served(visits, Visits).complete
    assert setting.double.count("/visits/") == 1
    whole = setting.archive.origins.visits(ORIGIN, snapshot=setting.snapshot)
    assert served(whole, Visits).visits[-1].snapshot == setting.snapshot


def test_an_origin_that_was_never_visited_has_no_visits(setting: Setting) -> None:
    setting.double.origins["https://x.example/new"] = []
    found = setting.archive.origins.visits("https://x.example/new")
    assert served(found, Visits) == Visits(visits=(), complete=True)
    unknown = setting.archive.origins.visits("https://x.example/unknown")
    assert isinstance(unknown, NotHeld)


def test_the_latest_visit_that_saw_something_is_found(setting: Setting) -> None:
    setting.double.visit(ORIGIN, None, status="failed")
    latest = setting.archive.origins.latest_visit
    assert served(latest(ORIGIN), Visit).snapshot == setting.snapshot
    last = served(latest(ORIGIN, require_snapshot=False), Visit)
    assert (last.status, last.snapshot) == ("failed", None)
    assert isinstance(latest(ORIGIN, visit_type="svn"), NotHeld)


def test_a_request_to_save_is_made_and_followed(
    setting: Setting, tmp_path: Path
) -> None:
    url = "https://git.example/ada/snow?x=1"
    other = repository(tmp_path / "other")
    setting.double.remotes[url] = other.path
    origins = setting.archive.origins
    assert isinstance(origins.save_requests(url), NotHeld)
    first = served(origins.save(url), SaveRequest)
    assert (first.status, first.task, first.over) == ("accepted", "pending", False)
    assert served(origins.save(url), SaveRequest).id == first.id
    setting.double.carry_out_saves()
    second = served(origins.save_request(first.id), SaveRequest)
    assert (second.task, second.over) == ("succeeded", True)
    assert second.snapshot == f"swh:1:snp:{setting.snapshot}"
    assert served(origins.save_requests(url), tuple) == (second,)
    methods = [asked.method for asked in setting.double.asked]
    assert methods == ["GET", "POST", "POST", "GET", "GET"]


def test_requests_to_save_are_read_in_either_shape(setting: Setting) -> None:
    origins = setting.archive.origins
    first = served(origins.save(ORIGIN), SaveRequest)
    setting.double.single_saves = True
    assert served(origins.save_requests(ORIGIN), tuple) == (first,)


def test_a_host_that_is_not_known_waits_for_a_person(setting: Setting) -> None:
    found = setting.archive.origins.save("https://git.example/ada/rain")
    assert served(found, SaveRequest).status == "pending"


def test_a_blocked_origin_is_refused_in_the_archives_words(setting: Setting) -> None:
    setting.double.blocked.add(ORIGIN)
    answer = untold(setting.archive.origins.save(ORIGIN))
    assert "403" in answer.reason
    assert "rejected" in answer.reason


def test_a_visit_of_an_unknown_type_is_not_asked_for(setting: Setting) -> None:
    untold(setting.archive.origins.save(ORIGIN, "ftp"))
    assert setting.double.asked == []


# -- shapes ------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "id directory parents message author type target name perms branches"
                " next_branch visit visits status snapshot url length checksums".split()
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(document=JSON)
@settings(deadline=None)
def test_no_json_of_the_archive_is_too_odd_to_be_answered(document: object) -> None:
    time = Time()
    base = "https://swh.example/api/1/"
    archive = Archive(Http(), base=base, clock=time, sleep=time.sleep)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST"):
            mock.add(method, re.compile(".*"), json=document)
        answers = [
            archive.revision(NOBODY),
            archive.history(NOBODY),
            archive.release(NOBODY),
            archive.directory(NOBODY),
            archive.entry(NOBODY, "a"),
            archive.snapshot(NOBODY),
            archive.content(NOBODY),
            archive.resolve(Swhid("rev", NOBODY)),
            archive.external_ids(f"swh:1:rev:{NOBODY}"),
            archive.origins.exact(ORIGIN),
            archive.origins.visits(ORIGIN),
            archive.origins.latest_visit(ORIGIN),
            archive.origins.save(ORIGIN),
            archive.vault.progress("flat", f"swh:1:dir:{NOBODY}"),
            *archive.known([f"swh:1:rev:{NOBODY}"]).values(),
        ]
    assert all(isinstance(answer, CouldNotTell | Served) for answer in answers)


# -- history -----------------------------------------------------------------------


def test_the_history_of_a_commit_begins_with_itself(setting: Setting) -> None:
    at = setting.repository.path
    git("commit", "-q", "--allow-empty", "-m", "Second", at=at)
    setting.double.load(at, ORIGIN)
    tip = git("rev-parse", "HEAD", at=at).decode().strip()
    answer = setting.archive.history(tip)
    assert isinstance(answer, Served)
    assert answer.value == (tip, setting.repository.commit)
    short = setting.archive.history(tip, most=1)
    assert isinstance(short, Served)
    assert short.value == (tip,)
    assert isinstance(setting.archive.history(NOBODY), NotHeld)
    assert isinstance(setting.archive.history("no id"), CouldNotTell)


# -- contradictions ----------------------------------------------------------------


def test_known_and_served_are_two_answers(setting: Setting) -> None:
    rev = setting.repository.rev
    setting.double.unserved.add(rev)
    assert isinstance(setting.archive.known([rev])[rev], Held)
    assert isinstance(setting.archive.revision(setting.repository.commit), NotHeld)


def test_a_revision_is_given_with_the_directory_that_the_archive_says(
    setting: Setting,
) -> None:
    setting.double.directories[setting.repository.commit] = "1" * 40
    found = served(setting.archive.revision(setting.repository.commit), Revision)
    assert found.directory == "1" * 40
    raw = served(setting.archive.raw(setting.repository.rev), RawObject)
    assert setting.repository.tree.encode() in raw.body


def test_an_answer_about_another_object_is_none(setting: Setting) -> None:
    rev = setting.repository.rev
    other = git_id("commit", b"x")
    setting.double.objects.bodies[f"swh:1:rev:{other}"] = setting.double.objects.bodies[
        rev
    ]
    answer = setting.archive.raw(f"swh:1:rev:{other}")
    assert not served(answer, RawObject).agrees


def test_a_call_costs_no_more_than_its_patience(tmp_path: Path) -> None:
    setting = Setting(tmp_path, patience=Patience(requests=2))
    with setting.double.at_the_wire():
        answers = setting.archive.known(many(5000))
    assert len(setting.double.asked) == 2
    assert isinstance(answers[many(1)[0]], NotHeld)
    last = untold(answers[many(5000)[-1]])
    assert "the 2 requests for this are spent" in last.reason
