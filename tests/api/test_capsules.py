"""Register, list, show, export: what a client sees of it."""

import io
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from reverify.capsules.manifest import write_manifest
from reverify.model.capsule import Manifest
from reverify.runtime import verify

from tests.api.clients import ID, Api, problem
from tests.capsules.builders import LEAST, RAIN, capsule_folder, numbered, sha256

WHERE = f"exports/rocrate/capsule-{ID}"


def post(api: Api, manifest: Manifest) -> dict[str, Any]:
    answer = api.client.post("/api/capsules", manifest.data)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


# -- register ----------------------------------------------------------------------


def test_a_new_manifest_is_created_and_the_same_again_is_not(api: Api) -> None:
    data = (api.folder / "files" / "capsule.json").read_bytes()
    first = api.client.post("/api/capsules", data)
    again = api.client.post("/api/capsules", data)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["location"] == f"/api/capsules/{ID}"
    with api.registry() as registry:
        version = registry.resolve(ID)
        assert first.json() == {
            "capsule_id": ID,
            "version": 1,
            "digest": version.digest,
        }
        assert registry.manifest(version).data == data


def test_another_manifest_of_the_same_capsule_is_its_next_version(
    registered: Api,
) -> None:
    path = registered.folder / "files" / "capsule.json"
    document = json.loads(path.read_bytes()) | {"title": "Rain, again"}
    answer = registered.client.register(document)
    assert answer.status_code == 201
    assert answer.json()["version"] == 2
    body = registered.client.get(f"/api/capsules/{ID}").json()
    assert [row["title"] for row in body["versions"]] == [
        "Rain at three stations",
        "Rain, again",
    ]
    assert body["previous"] == body["versions"][0]["digest"]


def test_each_fault_of_a_manifest_is_told_with_its_pointer(api: Api) -> None:
    bad = LEAST | {"inputs": [{"path": "../up"}], "licence": "MIT", "status": "done"}
    body = problem(api.client.register(bad), 422, "manifest-invalid")
    told = {error["pointer"]: error["detail"] for error in body["errors"]}
    assert told.keys() == {"", "/inputs/0/path", "/status"}
    assert "did you mean 'license'?" in told[""]
    assert "climbs out" in told["/inputs/0/path"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"[]", "a manifest is a JSON object"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"id": 1, "id": 2}', "twice"),
        (b'{"id": NaN}', "NaN"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=["empty", "cut", "list", "utf-16", "twin keys", "nan", "deep"],
)
def test_what_is_no_json_object_is_a_bad_request(
    api: Api, data: bytes, said: str
) -> None:
    body = problem(api.client.post("/api/capsules", data), 400, "manifest-unreadable")
    assert said in body["detail"]


def test_a_file_that_is_not_what_the_manifest_says_is_a_conflict(api: Api) -> None:
    (api.folder / "files" / "rain.csv").write_bytes(b"other")
    data = (api.folder / "files" / "capsule.json").read_bytes()
    body = problem(api.client.post("/api/capsules", data), 409, "capsule-unfit")
    assert body["detail"].startswith("rain.csv: has size 5, the manifest states 15")
    assert str(api.folder) not in json.dumps(body)
    assert api.client.get("/api/capsules").json()["capsules"] == []


def test_the_folder_of_a_capsule_goes_before_that_of_all(api: Api) -> None:
    own = api.folder / "files" / f"capsule-{ID}"
    capsule_folder(own)
    data = (own / "capsule.json").read_bytes()
    (api.folder / "files" / "rain.csv").write_bytes(b"of somebody else")
    assert api.client.post("/api/capsules", data).status_code == 201
    with api.registry() as registry:
        files = registry.files(registry.resolve(ID))
        assert {file.base for file in files} == {str(own)}


def test_a_manifest_reads_nothing_outside_of_the_folder_of_files(api: Api) -> None:
    secret = api.folder / "secret.txt"
    secret.write_text("secret")
    (api.folder / "files" / "link.txt").symlink_to(secret)
    (api.folder / "files" / "links").symlink_to(api.folder)
    for path in ("link.txt", "links/secret.txt"):
        bad = LEAST | {"inputs": [{"path": path}]}
        body = problem(api.client.register(bad), 409, "capsule-unfit")
        assert "links are never followed" in body["detail"]
    for path in (str(secret), "../secret.txt", "a/../../secret.txt"):
        bad = LEAST | {"inputs": [{"path": path}]}
        problem(api.client.register(bad), 422, "manifest-invalid")


def test_without_a_folder_of_files_none_is_looked_for(tmp_path: Path) -> None:
    capsule_folder(tmp_path)
    api = Api(tmp_path)
    data = (tmp_path / "capsule.json").read_bytes()
    assert api.client.post("/api/capsules", data).status_code == 201
    body = api.client.get(f"/api/capsules/{ID}").json()
    assert {file["path"]: file["at_hand"] for file in body["files"]} == {
        "rain.csv": False,
        "out/total.txt": False,
        "sum.py": False,
    }


# -- list and show -----------------------------------------------------------------


def test_pages_follow_each_other_whatever_is_registered_meanwhile(api: Api) -> None:
    for number in range(5):
        post(api, numbered(number))
    first = api.client.get("/api/capsules?limit=2")
    assert [row["title"] for row in first.json()["capsules"]] == ["Rain, 4", "Rain, 3"]
    post(api, numbered(5))
    seen = []
    following = first.headers["link"].partition(">")[0].removeprefix("<")
    assert urlsplit(following).netloc == ""
    while following:
        page = api.client.get(following)
        seen += [row["title"] for row in page.json()["capsules"]]
        following = page.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert (page.json()["next"] is None) == (not following)
    assert seen == ["Rain, 2", "Rain, 1", "Rain, 0"]


def test_a_page_that_ends_with_the_last_capsule_names_no_next(api: Api) -> None:
    for number in range(2):
        post(api, numbered(number))
    answer = api.client.get("/api/capsules?limit=2")
    assert len(answer.json()["capsules"]) == 2
    assert answer.json()["next"] is None
    assert "link" not in answer.headers


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=0", "cursor=9999999999999"]
)
def test_the_size_of_a_page_is_bounded(api: Api, query: str) -> None:
    body = problem(api.client.get(f"/api/capsules?{query}"), 422, "parameters-invalid")
    assert body["errors"][0]["parameter"] == query.partition("=")[0]


def test_a_capsule_is_shown_with_its_manifest(registered: Api) -> None:
    document = json.loads((registered.folder / "files" / "capsule.json").read_bytes())
    body = registered.client.get(f"/api/capsules/{ID}").json()
    assert body["manifest"] == document
    assert [file["path"] for file in body["files"]] == [
        "rain.csv",
        "out/total.txt",
        "sum.py",
    ]
    assert body["files"][0] == {
        "role": "input",
        "path": "rain.csv",
        "sha256": sha256(RAIN),
        "size": len(RAIN),
        "at_hand": True,
    }
    assert [row["version"] for row in body["versions"]] == [1]


def test_a_version_can_be_asked_for(api: Api) -> None:
    for title in ("One", "Two"):
        api.client.register(LEAST | {"title": title})
    shown = api.client.get(f"/api/capsules/{ID}?version=1").json()
    assert (shown["manifest"]["title"], shown["version"]) == ("One", 1)
    assert api.client.get(f"/api/capsules/{ID}").json()["title"] == "Two"
    problem(api.client.get(f"/api/capsules/{ID}?version=3"), 404, "not-found")
    for number in ("0", "-1", "x", "", "2147483648"):
        answer = api.client.get(f"/api/capsules/{ID}?version={number}")
        problem(answer, 422, "parameters-invalid")


def test_text_of_a_capsule_leaves_as_ascii(api: Api) -> None:
    title = "rain \x1b[31m\x85\u202e\u2028 \U0001f327"
    api.client.register(LEAST | {"title": title})
    for path in ("/api/capsules", f"/api/capsules/{ID}"):
        answer = api.client.get(path)
        assert answer.content.isascii()
        assert min(answer.content) >= 0x20
        assert title in answer.json().get("capsules", [answer.json()])[0]["title"]


RESOURCES = ["", "/export", "/crate.zip"]


@pytest.mark.parametrize("below", RESOURCES)
def test_an_unknown_capsule_is_not_found(api: Api, below: str) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    problem(api.client.get(f"/api/capsules/{unknown}{below}"), 404, "not-found")


@pytest.mark.parametrize("below", RESOURCES)
@pytest.mark.parametrize(
    "id",
    [
        f"urn:uuid:{ID}",
        f"%7B{ID}%7D",
        ID.replace("-", ""),
        ID[:8],
        f"{ID}@1",
        f"capsule-{ID}",
        f"{ID}%0a",
        f"{ID}%00",
        "..%5c..%5cetc%5cpasswd",
    ],
)
def test_an_id_is_a_plain_uuid_and_nothing_else(
    registered: Api, id: str, below: str
) -> None:
    answer = registered.client.get(f"/api/capsules/{id}{below}")
    body = problem(answer, 422, "parameters-invalid")
    assert body["errors"][0]["parameter"] == "id"


@pytest.mark.parametrize(
    "path",
    [
        "/api/capsules/..%2f..%2fetc%2fpasswd",
        "/api/capsules/%2fetc%2fpasswd/export",
        f"/api/capsules/{ID}/export/%2e%2e",
        f"/api/capsules/{ID}/",
        "/api/capsules/",
        "/api",
        "/",
        "/docs",
        "/openapi.json",
        "/redoc",
    ],
)
def test_other_paths_lead_nowhere(registered: Api, path: str) -> None:
    problem(registered.client.get(path), 404, "not-found")


def test_an_id_in_upper_case_is_the_same_id(registered: Api) -> None:
    body = registered.client.get(f"/api/capsules/{ID.upper()}").json()
    assert body["capsule_id"] == ID
    answer = registered.client.get(f"/api/capsules/{ID.upper()}/crate.zip")
    assert f'filename="capsule-{ID}.zip"' in answer.headers["content-disposition"]


# -- export ------------------------------------------------------------------------


def test_a_crate_is_downloaded_and_holds(registered: Api, tmp_path: Path) -> None:
    answer = registered.client.get(f"/api/capsules/{ID}/crate.zip")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="capsule-{ID}.zip"'
    )
    with zipfile.ZipFile(io.BytesIO(answer.content)) as crate:
        assert crate.testzip() is None
        assert crate.read("rain.csv") == RAIN
    path = tmp_path / "crate.zip"
    path.write_bytes(answer.content)
    report = verify(str(path), offline=True, skip=["conformance"])
    assert report.verdict.outcome == "confirmed"


def test_the_same_version_gives_the_same_bytes_and_tag(registered: Api) -> None:
    one, two = (
        registered.client.get(f"/api/capsules/{ID}/crate.zip") for _ in range(2)
    )
    assert one.content == two.content
    assert one.headers["etag"] == two.headers["etag"]
    assert one.headers["etag"].startswith('"')


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
def test_a_client_that_has_the_crate_is_told_so(registered: Api, form: str) -> None:
    tag = registered.client.get(f"/api/capsules/{ID}/crate.zip").headers["etag"]
    given = form.format(tag)
    answer = registered.client.get(f"/api/capsules/{ID}/crate.zip", if_none_match=given)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag


def test_another_version_has_another_tag(api: Api) -> None:
    tags = set()
    for title in ("One", "Two"):
        api.client.register(LEAST | {"title": title})
        answer = api.client.get(f"/api/capsules/{ID}/crate.zip", if_none_match='"x"')
        assert answer.status_code == 200
        tags.add(answer.headers["etag"])
    assert len(tags) == 2


def test_head_tells_of_the_crate_without_making_it(registered: Api) -> None:
    path = f"/api/capsules/{ID}/crate.zip"
    whole, head = registered.client.get(path), registered.client.ask("HEAD", path)
    assert head.content == b""
    assert dict(head.headers) == dict(whole.headers)


def test_the_export_tells_what_is_downloaded_and_written(registered: Api) -> None:
    body = registered.client.get(f"/api/capsules/{ID}/export").json()
    crate = registered.client.get(f"/api/capsules/{ID}/crate.zip").content
    written = registered.client.post(f"/api/capsules/{ID}/export-files").json()
    with zipfile.ZipFile(io.BytesIO(crate)) as opened:
        document = json.loads(opened.read("ro-crate-metadata.json"))
        files = {info.filename: opened.read(info) for info in opened.infolist()}
    lines = sorted(f"{sha256(data)}  {path}\n" for path, data in files.items())
    assert body["crate_id"] == f"urn:uuid:{ID}"
    assert body["checksum"] == sha256("".join(lines).encode())
    assert body["entities"] == len(document["@graph"])
    assert body["files"] == len(files)
    assert body["bytes"] == sum(map(len, files.values()))
    assert body["capsule_id"] == ID
    assert body["version"] == 1
    del written["where"]
    assert body.items() >= written.items()


def test_the_export_tells_by_what_the_code_is_found_in_an_archive(api: Api) -> None:
    code = {
        "git_commit": "1" * 40,
        "git_tree_hash": "2" * 40,
        "repository": "https://git.example.org/rain",
        "swh_origin_url": "https://git.example.org/rain",
        "swh_snapshot_id": f"swh:1:snp:{'3' * 40}",
    }
    api.client.register(LEAST | {"code": code})
    references = api.client.get(f"/api/capsules/{ID}/export").json()[
        "archival_references"
    ]
    assert references.items() >= code.items()
    assert f"swh:1:rev:{'1' * 40}" in {
        swhid.partition(";")[0] for swhid in references["swhids"]
    }


def test_no_repository_is_opened_because_a_manifest_names_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a repository was opened")

    monkeypatch.setattr("reverify.services.git.find_repository", opened)
    monkeypatch.setattr("reverify.services.git.open_repository", opened)
    root = Path(__file__).parents[2]
    for address in (str(root), f"file://{root}"):
        code = {"git_commit": "1" * 40, "repository": address}
        api.client.register(LEAST | {"code": code})
        for below in ("export", "crate.zip"):
            answer = api.client.get(f"/api/capsules/{ID}/{below}")
            assert answer.status_code == 200, answer.text
        answer = api.client.post(f"/api/capsules/{ID}/export-files")
        assert answer.status_code == 200, answer.text


def test_files_are_written_below_the_folder_of_exports(registered: Api) -> None:
    answer = registered.client.post(f"/api/capsules/{ID}/export-files", b"{}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    crate = registered.folder / "out" / WHERE
    written = {path for path in crate.rglob("*") if path.is_file()}
    assert body["where"] == WHERE
    assert body["files"] == len(written)
    assert body["bytes"] == sum(path.stat().st_size for path in written)
    report = verify(str(crate), offline=True, skip=["conformance"])
    assert report.verdict.outcome == "confirmed"
    assert report.subject.digest == {"sha256": body["checksum"]}


def listing(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_written_again_are_the_same(registered: Api) -> None:
    out = registered.folder / "out"
    first = registered.client.post(f"/api/capsules/{ID}/export-files").json()
    before = listing(out)
    again = registered.client.post(f"/api/capsules/{ID}/export-files").json()
    assert (again, listing(out)) == (first, before)


def test_nothing_is_written_but_the_crate(registered: Api) -> None:
    before = listing(registered.folder)
    registered.client.get(f"/api/capsules/{ID}/crate.zip")
    registered.client.get(f"/api/capsules/{ID}/export")
    assert listing(registered.folder).keys() == before.keys()
    registered.client.post(f"/api/capsules/{ID}/export-files")
    new = listing(registered.folder).keys() - before.keys()
    assert new
    assert all(path.startswith(f"out/{WHERE}/") for path in new)


@pytest.mark.parametrize("link", ["exports", "exports/rocrate"])
@pytest.mark.parametrize("is_there", [True, False])
def test_no_link_leads_out_of_the_folder_of_exports(
    registered: Api, link: str, *, is_there: bool
) -> None:
    elsewhere = registered.folder / "elsewhere"
    if is_there:
        elsewhere.mkdir()
    path = registered.folder / "out" / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    answer = registered.client.post(f"/api/capsules/{ID}/export-files")
    body = problem(answer, 409, "capsule-unfit")
    assert "leads out of" in body["detail"]
    assert str(registered.folder) not in answer.text
    assert elsewhere.exists() == is_there
    assert not is_there or not list(elsewhere.iterdir())


def test_a_folder_that_is_no_crate_is_never_replaced(registered: Api) -> None:
    target = registered.folder / "out" / WHERE
    target.mkdir(parents=True)
    (target / "thesis.txt").write_text("the only copy")
    answer = registered.client.post(f"/api/capsules/{ID}/export-files")
    body = problem(answer, 409, "capsule-unfit")
    assert "holds no crate" in body["detail"]
    assert str(registered.folder) not in answer.text
    assert (target / "thesis.txt").read_text() == "the only copy"


def test_the_folder_of_the_capsule_itself_is_never_replaced(tmp_path: Path) -> None:
    own = capsule_folder(tmp_path / WHERE)
    (own / "ro-crate-metadata.json").write_text("{}")  # as if it were a crate
    api = Api(tmp_path, files=own.parent, exports=tmp_path)
    data = (own / "capsule.json").read_bytes()
    assert api.client.post("/api/capsules", data).status_code == 201
    before = listing(own)
    answer = api.client.post(f"/api/capsules/{ID}/export-files")
    problem(answer, 409, "capsule-unfit")
    assert listing(own) == before


def test_without_a_folder_of_exports_nothing_is_written(tmp_path: Path) -> None:
    api = Api(tmp_path)
    api.client.register(LEAST)
    answer = api.client.post(f"/api/capsules/{ID}/export-files")
    body = problem(answer, 403, "exports-refused")
    assert "--exports DIR" in body["detail"]


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"path": "/etc"}', b"{}{}", b"\0"])
def test_nothing_is_said_in_the_body_of_an_export(registered: Api, body: bytes) -> None:
    answer = registered.client.post(f"/api/capsules/{ID}/export-files", body)
    problem(answer, 400, "manifest-unreadable")


def exported(api: Api) -> list[Any]:
    return [
        api.client.get(f"/api/capsules/{ID}/export"),
        api.client.get(f"/api/capsules/{ID}/crate.zip"),
        api.client.post(f"/api/capsules/{ID}/export-files"),
    ]


def test_files_that_are_unknown_are_named(tmp_path: Path) -> None:
    capsule_folder(tmp_path)
    api = Api(tmp_path, exports=tmp_path)
    api.client.post("/api/capsules", (tmp_path / "capsule.json").read_bytes())
    for answer in exported(api):
        body = problem(answer, 409, "files-missing")
        assert [error["detail"] for error in body["errors"]] == [
            "rain.csv: is not at hand",
            "out/total.txt: is not at hand",
            "sum.py: is not at hand",
        ]
    assert not (tmp_path / "exports").exists()


def test_files_in_the_store_are_at_hand(tmp_path: Path) -> None:
    api = Api(tmp_path)
    folder = capsule_folder(tmp_path / "work", outputs=[], code=None)
    with api.registry() as registry, (folder / "rain.csv").open("rb") as stream:
        registry.content.add(stream.fileno())
    shutil.rmtree(folder / "out")
    data = (folder / "capsule.json").read_bytes()
    assert api.client.post("/api/capsules", data).status_code == 201
    shutil.rmtree(folder)
    answer = api.client.get(f"/api/capsules/{ID}/crate.zip")
    assert answer.status_code == 200, answer.text


def test_files_that_are_gone_are_named_without_their_folder(registered: Api) -> None:
    (registered.folder / "files" / "rain.csv").unlink()
    for answer in exported(registered):
        body = problem(answer, 409, "capsule-unfit")
        assert body["detail"] == "rain.csv: is missing in the folder of its files"
        assert str(registered.folder) not in answer.text


def test_files_that_changed_are_named(registered: Api) -> None:
    path = registered.folder / "files" / "rain.csv"
    path.write_bytes(RAIN.replace(b"1", b"2"))
    for answer in exported(registered):
        body = problem(answer, 409, "capsule-unfit")
        assert body["detail"].startswith("rain.csv: has sha256 ")


@pytest.mark.parametrize("status", ["draft", "running"])
def test_what_is_not_over_is_not_exported(registered: Api, status: str) -> None:
    assert registered.client.register(LEAST | {"status": status}).status_code == 201
    for answer in exported(registered):
        body = problem(answer, 409, "capsule-unfit")
        assert f"is {status}" in body["detail"]


# -- the registry itself -----------------------------------------------------------


def test_a_changed_row_is_never_served(registered: Api) -> None:
    path = registered.folder / "registry.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE reverify_versions SET title = x'4f74686572'")
    connection.close()
    for below in ("", f"/{ID}", f"/{ID}/export", f"/{ID}/crate.zip"):
        answer = registered.client.get(f"/api/capsules{below}")
        body = problem(answer, 500, "registry-damaged")
        assert body["instance"].startswith("urn:uuid:")
        assert str(registered.folder) not in answer.text


def test_a_registry_that_cannot_be_opened_is_no_fault_of_the_client(
    tmp_path: Path,
) -> None:
    (tmp_path / "folder").mkdir()
    api = Api(tmp_path, db=f"sqlite:///{tmp_path}/folder")
    answer = api.client.get("/api/capsules")
    problem(answer, 503, "registry-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert str(tmp_path) not in answer.text


def test_capsules_are_kept_in_postgresql_as_well(
    tmp_path: Path, postgresql: str
) -> None:
    api = Api(tmp_path, db=postgresql)
    answer = api.client.post("/api/capsules", write_manifest(LEAST))
    assert answer.status_code == 201, answer.text
    assert api.client.get("/readyz").status_code == 200
    rows = api.client.get("/api/capsules").json()["capsules"]
    assert [row["capsule_id"] for row in rows] == [ID]
    crate = api.client.get(f"/api/capsules/{ID}/crate.zip")
    assert zipfile.ZipFile(io.BytesIO(crate.content)).testzip() is None
