"""The archive of the tests answers as the real one does, quirks included."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import requests
from reverify.model.swhid import git_id

from tests.services.swh_double import SwhDouble
from tests.services.swh_setting import ORIGIN, Repository, Time, repository

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """Asks a double the way any client would."""

    def __init__(self, double: SwhDouble, folder: Path) -> None:
        self.double = double
        self.time = Time()
        double.now = self.time.seconds
        self.repository: Repository = repository(folder / "repository")
        self.snapshot = double.load(self.repository.path, ORIGIN)

    def ask(self, path: str, method: str = "GET", **rest: Any) -> requests.Response:  # noqa: ANN401
        session = requests.Session()
        session.trust_env = False
        url = self.double.base + path
        return session.request(method, url, allow_redirects=False, timeout=10, **rest)

    def refused(self, path: str, method: str = "GET", **rest: Any) -> tuple[int, str]:  # noqa: ANN401
        answer = self.ask(path, method, **rest)
        return answer.status_code, answer.json()["exception"]


@pytest.fixture
def archive(swh_double: SwhDouble, tmp_path: Path) -> Terminal:
    return Terminal(swh_double, tmp_path)


def test_the_vectors_come_out_of_the_repository(archive: Terminal) -> None:
    repo = archive.repository
    assert repo.tree == "c304f7eb8bb91030c52357898abdc1238b0e3f93"
    assert repo.commit == "820fc98b0ccb1593fd11dcf2f032c7dd20f69712"
    assert repo.tag == "22ef6e0cb6ca45a10755f53c5a48faa7ec46e5bb"
    assert archive.snapshot == "c4453376d4f32637188c68f14c7dd77ca8ae2d02"


def test_without_the_slash_there_is_a_redirect(archive: Terminal) -> None:
    answer = archive.ask("known", "POST", json=[])
    assert answer.status_code == 301
    assert answer.headers["Location"] == "/api/1/known/"
    assert archive.refused("known/") == (405, "MethodNotAllowed")


def test_known_takes_core_identifiers_only(archive: Terminal) -> None:
    rev = archive.repository.rev
    answer = archive.ask("known/", "POST", json=[rev, rev, "swh:1:cnt:" + "1" * 40])
    assert answer.text == (
        '{"%s":{"known":true},"swh:1:cnt:%s":{"known":false}}' % (rev, "1" * 40)  # noqa: UP031
    )
    assert archive.ask("known/", "POST", json=[]).json() == {}
    bad = [rev.upper(), f"{rev};origin=x", rev.replace("rev", "ext"), "swh:1:ori:x"]
    for text in bad:
        found = archive.refused("known/", "POST", json=[rev, text])
        assert found == (400, "BadInputExc"), text
    assert archive.refused("known/", "POST", json=[1])[0] == 500
    many = [f"swh:1:cnt:{number:040x}" for number in range(1001)]
    assert archive.refused("known/", "POST", json=many) == (413, "LargePayloadExc")
    assert archive.refused("known/", "POST", data="x")[0] == 415
    kind = {"Content-Type": "application/json"}
    found = archive.refused("known/", "POST", data="{", headers=kind)
    assert found == (400, "ParseError")


def test_there_are_two_kinds_of_404(archive: Terminal) -> None:
    assert archive.refused(f"revision/{'1' * 40}/") == (404, "NotFoundExc")
    answer = archive.ask("revision/main/")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Resource not found"
    assert "exception" not in answer.json()
    assert archive.refused(f"revision/{'1' * 64}/") == (400, "BadInputExc")


def test_letters_of_either_case_are_treated_as_the_archive_does(
    archive: Terminal,
) -> None:
    commit = archive.repository.commit
    answer = archive.ask(f"revision/{commit.upper()}/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/api/1/revision/{commit}/"
    rev = archive.repository.rev.upper()
    for place in ("resolve", "raw"):
        assert archive.ask(f"{place}/{rev}/").status_code == 200, place


def test_the_accept_header_is_heeded(archive: Terminal) -> None:
    html = archive.ask("ping/", headers={"Accept": "text/html"})
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html")
    assert archive.ask("ping/", headers={"Accept": "image/png"}).status_code == 406
    assert archive.ask("ping/").json() == "pong"


def test_a_bare_digest_of_a_content_is_its_plain_sha1(archive: Terminal) -> None:
    blob = archive.repository.blob
    assert archive.refused(f"content/{blob}/") == (404, "NotFoundExc")
    assert archive.ask(f"content/sha1_git:{blob}/").json()["length"] == 6
    raw = archive.ask(f"content/sha1_git:{blob}/raw/")
    assert raw.content == b"hello\n"
    assert raw.headers["Content-Type"] == "application/octet-stream"
    assert archive.refused("content/md5:" + "0" * 32 + "/")[0] == 500


def test_raw_objects_come_with_their_header(archive: Terminal) -> None:
    for type, id in (
        ("cnt", archive.repository.blob),
        ("dir", archive.repository.tree),
        ("snp", archive.snapshot),
    ):
        answer = archive.ask(f"raw/swh:1:{type}:{id}/")
        header, _, body = answer.content.partition(b"\0")
        assert git_id(header.decode().partition(" ")[0], body) == id
        assert "X-RateLimit-Limit" not in answer.headers


def test_limits_are_counted_in_a_window_that_rolls(archive: Terminal) -> None:
    archive.double.limits["swh_api"] = [(2, 60)]
    seen = []
    for _ in range(3):
        answer = archive.ask("ping/")
        seen.append((answer.status_code, answer.headers["X-RateLimit-Remaining"]))
        archive.time.sleep(10)
    assert seen == [(200, "1"), (200, "0"), (429, "0")]
    late = archive.ask("ping/")
    assert late.json() == {
        "exception": "Throttled",
        "reason": "Request was throttled. Expected available in 30 seconds.",
    }
    assert "Retry-After" not in late.headers
    assert int(late.headers["X-RateLimit-Reset"]) == archive.time.seconds() + 30
    archive.time.sleep(30)
    assert archive.ask("ping/").headers["X-RateLimit-Remaining"] == "0"


def test_a_token_has_ten_times_the_limit_and_a_false_one_none(
    archive: Terminal,
) -> None:
    archive.double.tokens.add("good")
    answer = archive.ask("ping/", headers={"Authorization": "Bearer good"})
    assert answer.headers["X-RateLimit-Limit"] == "1200"
    bad = archive.ask("ping/", headers={"Authorization": "Bearer bad"})
    assert (bad.status_code, bad.json()["exception"]) == (403, "AuthenticationFailed")
    assert "X-RateLimit-Limit" not in bad.headers


def test_masked_objects_are_known_and_not_shown(archive: Terminal) -> None:
    rev = archive.repository.rev
    archive.double.mask(rev)
    answer = archive.ask(f"revision/{archive.repository.commit}/")
    assert answer.status_code == 403
    assert answer.json()["exception"] == "MaskedObjectException"
    assert answer.json()["masked"][rev][0]["status"] == "restricted"
    assert archive.ask("known/", "POST", json=[rev]).json() == {rev: {"known": True}}


def test_directories_are_listed_by_plain_name(archive: Terminal) -> None:
    found = archive.ask(f"directory/{archive.repository.tree}/").json()
    assert [entry["name"] for entry in found] == ["ln", "run", "src", "src.txt"]
    assert [entry["perms"] for entry in found] == [40960, 33261, 16384, 33188]
    assert [entry["length"] for entry in found] == [9, 6, None, 6]
    one = archive.ask(f"directory/{archive.repository.tree}/src/").json()
    assert (one["type"], one["dir_id"]) == ("dir", archive.repository.tree)


def test_snapshots_are_given_in_pages(archive: Terminal) -> None:
    place = f"snapshot/{archive.snapshot}/"
    page = archive.ask(f"{place}?branches_count=2")
    assert list(page.json()["branches"]) == ["HEAD", "refs/heads/main"]
    assert page.json()["next_branch"] == "refs/tags/v1.0"
    assert 'rel="next"' in page.headers["Link"]
    last = archive.ask(f"{place}?branches_from=refs/tags/v1.0").json()
    assert (list(last["branches"]), last["next_branch"]) == (["refs/tags/v1.0"], None)
    only = archive.ask(f"{place}?target_types=release").json()["branches"]
    assert list(only) == ["refs/tags/v1.0"]
    found = archive.ask(f"{place}?branches_count=1001")
    assert (found.status_code, found.json()["exception"]) == (400, "ValidationError")
    assert isinstance(found.json()["reason"], dict)


def test_visits_are_given_the_newest_first(archive: Terminal) -> None:
    for _ in range(11):
        archive.double.visit(ORIGIN, None, status="failed")
    place = f"origin/{ORIGIN}/visits/"
    page = archive.ask(place)
    assert [visit["visit"] for visit in page.json()] == list(range(12, 2, -1))
    assert 'rel="next"' in page.headers["Link"]
    rest = archive.ask(f"{place}?last_visit=3").json()
    assert [visit["visit"] for visit in rest] == [2, 1]
    assert len(archive.ask(f"{place}?per_page=5000").json()) == 12
    assert archive.ask(f"origin/{ORIGIN}/visit/1/").json()["status"] == "full"
    latest = f"origin/{ORIGIN}/visit/latest/"
    assert archive.ask(latest).json()["snapshot"] is None
    full = archive.ask(f"{latest}?require_snapshot=true").json()
    assert full["snapshot"] == archive.snapshot
    assert archive.refused("origin/https://x.example/visits/") == (404, "NotFoundExc")


def test_saving_gives_an_object_and_asking_an_array(archive: Terminal) -> None:
    place = f"origin/save/git/url/{ORIGIN}/"
    assert archive.refused(place) == (404, "NotFoundExc")
    first = archive.ask(place, "POST").json()
    assert first["save_request_status"] == "accepted"
    assert archive.ask(place).json() == [first]
    assert archive.ask(f"origin/save/{first['id']}/").json() == first
    secret = "origin/save/git/url/https://a:b@github.com/x/"
    assert archive.refused(secret, "POST") == (400, "BadInputExc")


def test_the_vault_cooks_when_it_is_asked_to(archive: Terminal) -> None:
    place = f"vault/flat/{archive.repository.dir}/"
    assert archive.refused(place) == (404, "NotFoundExc")
    assert archive.ask(place, "POST").json()["status"] == "new"
    assert archive.refused(f"{place}raw/") == (404, "NotFoundExc")
    states = [archive.ask(place).json()["status"] for _ in range(3)]
    assert states == ["pending", "done", "done"]
    raw = archive.ask(f"{place}raw/")
    assert raw.headers["Content-Type"] == "application/gzip"
    with tarfile.open(fileobj=io.BytesIO(raw.content)) as tar:
        top, *names = tar.getnames()
        assert top == archive.repository.dir
        assert f"{top}/src/a.txt" in names
        assert tar.getmember(f"{top}/ln").issym()
    rev = f"vault/flat/{archive.repository.rev}/"
    assert archive.refused(rev, "POST") == (400, "BadInputExc")


def test_resolving_takes_qualifiers_but_not_all(archive: Terminal) -> None:
    blob = f"swh:1:cnt:{archive.repository.blob}"
    good = f"resolve/{blob};origin={ORIGIN};lines=1-2/"
    assert archive.ask(good).json()["metadata"] == {"origin": ORIGIN, "lines": "1-2"}
    for text in ("bytes=1-2", "colour=red", "path=/a b"):
        found = archive.refused(f"resolve/{blob};{text}/")
        assert found == (400, "BadInputExc"), text
    unknown = f"resolve/{blob};origin=https://x.example/"
    assert archive.refused(unknown) == (404, "NotFoundExc")


def test_it_can_be_started_at_a_terminal(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repository")
    command = [sys.executable, "-m", "tests.services.swh_double"]
    process = subprocess.Popen(
        [*command, f"{repo.path}={ORIGIN}"], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        base = process.stdout.readline().decode().strip()
        found = requests.get(f"{base}revision/{repo.commit}/", timeout=10)
        assert json.loads(found.text)["directory"] == repo.tree
    finally:
        process.terminate()
        process.wait()
