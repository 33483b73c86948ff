"""Crates that lie elsewhere: web servers, DOIs, object stores."""

import io
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from reverify.cli import _run
from reverify.crates.limits import Limits
from reverify.errors import UsageError
from reverify.model.outcome import Outcome
from reverify.model.report import Report
from reverify.services import Http

from tests.fakes import check, file, rules, write_crate
from tests.services.servers import Server, body, redirect, serving, status

Bucket = Any  # boto3 has no types
DATA = b"1,2,3\n"
SHA256 = "7a8988e95e356e2b5b8fecf5e31f7c2e7e8fb44a5cd9d89ebb0d1e60b1f5c689"


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    entity = file("data/a.csv", sha256=SHA256)
    return write_crate(tmp_path / "crate", entity, files={"data/a.csv": DATA})


@pytest.fixture
def packed(crate: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(crate.rglob("*")):
            archive.write(path, path.relative_to(crate).as_posix())
    return stream.getvalue()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def opened(location: str, limits: Limits | None = None) -> Report:
    return check(location, http=Http(allow_private=True), limits=limits)


def assert_whole(report: Report, format: str) -> None:
    assert report.verdict.outcome is Outcome.CONFIRMED
    assert report.subject.format == format
    assert report.subject.files == 2
    found = rules(report)
    assert "completeness/file-present" in found
    assert "fixity/digest-match" in found


# -- http --------------------------------------------------------------------------


def test_a_zip_on_the_web_is_opened(server: Server, packed: bytes) -> None:
    server.answers["/crate.zip"] = body(packed)
    assert_whole(opened(f"{server.url}/crate.zip"), "zip")


def test_the_name_of_an_archive_on_the_web_does_not_matter(
    server: Server, packed: bytes
) -> None:
    server.answers["/download"] = body(packed, content_type="application/zip")
    assert_whole(opened(f"{server.url}/download?id=7"), "zip")


def test_a_redirect_to_an_archive_is_followed(server: Server, packed: bytes) -> None:
    server.answers["/latest"] = redirect("/crate.zip")
    server.answers["/crate.zip"] = body(packed)
    assert_whole(opened(f"{server.url}/latest"), "zip")


def test_a_metadata_document_on_the_web_is_opened(server: Server, crate: Path) -> None:
    text = (crate / "ro-crate-metadata.json").read_bytes()
    server.answers["/ro-crate-metadata.json"] = body(text)
    report = opened(f"{server.url}/ro-crate-metadata.json")
    assert report.subject.format == "document"
    assert "completeness/document-only" in rules(report)


@pytest.mark.parametrize("relation", ["item", "describedby"])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_landing_page_leads_to_its_crate(
    server: Server, packed: bytes, relation: str, *, absolute: bool
) -> None:
    target = f"{server.url}/files/crate.zip" if absolute else "files/crate.zip"
    link = f'<{target}>; rel="{relation}"; type="application/zip"'
    server.answers["/page"] = body(b"<html>", content_type="text/html", link=link)
    server.answers["/files/crate.zip"] = body(packed)
    assert_whole(opened(f"{server.url}/page"), "zip")


def test_a_landing_page_that_leads_nowhere_is_no_crate(server: Server) -> None:
    server.answers["/page"] = body(b"<html>", content_type="text/html")
    report = opened(f"{server.url}/page")
    assert report.verdict.outcome is Outcome.REFUTED
    assert rules(report) == ["conformance/not-a-crate"]


def test_a_landing_page_that_leads_to_itself_is_left(server: Server) -> None:
    link = f'<{server.url}/page>; rel="item"; type="application/zip"'
    server.answers["/page"] = body(b"<html>", content_type="text/html", link=link)
    opened(f"{server.url}/page")
    assert server.requests == ["GET /page"] * 2


def test_a_link_to_a_private_address_is_refused(server: Server) -> None:
    report = check(f"{server.url}/crate.zip", http=Http())
    assert rules(report) == ["completeness/location-unreachable"]
    assert "not a public address" in report.findings[0].reason
    assert server.requests == []


@pytest.mark.parametrize("code", [404, 410])
def test_what_the_server_does_not_have_is_no_such_input(
    server: Server, code: int
) -> None:
    server.answers["/crate.zip"] = status(code)
    with pytest.raises(UsageError, match=f"no such thing .{code}"):
        opened(f"{server.url}/crate.zip")


@pytest.mark.parametrize("code", [401, 403, 429, 500])
def test_a_server_that_does_not_give_it_now_leaves_the_verdict_open(
    server: Server, code: int
) -> None:
    server.answers["/crate.zip"] = status(code)
    report = opened(f"{server.url}/crate.zip")
    assert rules(report) == ["completeness/location-unreachable"]
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_an_archive_larger_than_the_budget_is_not_fetched_to_its_end(
    server: Server,
) -> None:
    server.answers["/crate.zip"] = body(bytes(1 << 20))
    report = opened(f"{server.url}/crate.zip", Limits(total_bytes=1000))
    assert rules(report) == ["completeness/limit-reached"]
    assert report.verdict.outcome is Outcome.UNDETERMINED


def test_the_command_line_reaches_inside_only_if_told(
    server: Server, packed: bytes
) -> None:
    server.answers["/crate.zip"] = body(packed)
    arguments = ["check", "--skip", "conformance", "-qq", f"{server.url}/crate.zip"]
    assert _run(arguments) == 3
    assert _run([*arguments, "--allow-private"]) == 0
    assert _run([*arguments, "--allow-private", "--offline"]) == 3


# -- DOI ---------------------------------------------------------------------------

DOI = "10.5281/zenodo.1234567"


@responses.activate
@pytest.mark.parametrize(
    "written",
    [
        DOI,
        f"doi:{DOI}",
        f"DOI:{DOI}",
        f"https://doi.org/{DOI}",
        f"http://dx.doi.org/{DOI}",
    ],
)
def test_a_doi_leads_to_its_crate(packed: bytes, written: str) -> None:
    page, archive = "https://zenodo.example/1", "https://zenodo.example/1/crate.zip"
    responses.get(f"https://doi.org/{DOI}", status=302, headers={"Location": page})
    link = f'<{archive}>; rel="item"; type="application/zip"'
    responses.get(page, body="<html>", content_type="text/html", headers={"Link": link})
    responses.get(archive, body=packed, content_type="application/zip")
    assert_whole(check(written, http=Http()), "zip")


@responses.activate
def test_a_doi_that_is_none_is_no_such_input() -> None:
    responses.get(f"https://doi.org/{DOI}", status=404)
    with pytest.raises(UsageError, match="404"):
        check(DOI, http=Http())


def test_a_doi_offline_cannot_be_told() -> None:
    report = check(DOI)
    assert rules(report) == ["completeness/location-unreachable"]


# -- fsspec ------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[str]:
    import fsspec  # noqa: PLC0415

    root = f"/{uuid.uuid4()}"
    fs = fsspec.filesystem("memory")
    fs.mkdir(root)
    yield f"memory:/{root}"
    fs.rm(root, recursive=True)


def _put(where: str, files: dict[str, bytes]) -> None:
    import fsspec  # noqa: PLC0415

    for name, data in files.items():
        with fsspec.open(f"{where}/{name}", "wb") as stream:
            stream.write(data)


def _files(crate: Path) -> dict[str, bytes]:
    return {
        path.relative_to(crate).as_posix(): path.read_bytes()
        for path in crate.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("end", ["", "/", "/ro-crate-metadata.json"])
def test_a_folder_of_any_file_system_is_opened(
    memory: str, crate: Path, end: str
) -> None:
    _put(f"{memory}/crate", _files(crate))
    assert_whole(opened(f"{memory}/crate{end}"), "directory")


def test_a_zip_of_any_file_system_is_opened(memory: str, packed: bytes) -> None:
    _put(memory, {"crate.zip": packed})
    assert_whole(opened(f"{memory}/crate.zip"), "zip")


def test_a_folder_elsewhere_has_the_digest_of_the_same_folder_here(
    memory: str, crate: Path
) -> None:
    _put(f"{memory}/crate", _files(crate))
    there, here = opened(f"{memory}/crate"), check(crate)
    assert there.subject.digest == here.subject.digest
    assert there.subject.digest


def test_a_changed_file_elsewhere_is_refuted(memory: str, crate: Path) -> None:
    _put(f"{memory}/crate", {**_files(crate), "data/a.csv": b"9,9,9\n"})
    assert "fixity/digest-mismatch" in rules(opened(f"{memory}/crate"))


def test_no_such_object_is_no_such_input(memory: str) -> None:
    with pytest.raises(UsageError, match="no such object"):
        opened(f"{memory}/absent.zip")


def test_a_scheme_that_nobody_knows_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="nonsense"):
        opened("nonsense://bucket/crate.zip")


# -- S3 ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A real S3 server on the loopback address, with an empty bucket."""
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket="bucket")
    yield url
    server.stop()


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    import fsspec  # noqa: PLC0415

    boto3 = pytest.importorskip("boto3")
    for name, value in {
        "AWS_ENDPOINT_URL": store,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    bucket = boto3.resource("s3").Bucket("bucket")
    yield bucket
    bucket.objects.all().delete()
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.mark.parametrize("end", ["", "/", "/ro-crate-metadata.json"])
def test_a_folder_in_an_object_store_is_opened(
    bucket: Bucket, crate: Path, end: str
) -> None:
    for name, data in _files(crate).items():
        bucket.put_object(Key=f"some/prefix/{name}", Body=data)
    assert_whole(opened(f"s3://bucket/some/prefix{end}"), "directory")


def test_an_archive_in_an_object_store_is_opened(bucket: Bucket, packed: bytes) -> None:
    bucket.put_object(Key="crate.zip", Body=packed)
    assert_whole(opened("s3://bucket/crate.zip"), "zip")


def test_a_whole_bucket_may_be_a_crate(bucket: Bucket, crate: Path) -> None:
    for name, data in _files(crate).items():
        bucket.put_object(Key=name, Body=data)
    assert_whole(opened("s3://bucket"), "directory")


def test_an_odd_key_in_an_object_store_is_told_and_not_opened(
    bucket: Bucket, crate: Path
) -> None:
    for name, data in _files(crate).items():
        bucket.put_object(Key=f"odd/{name}", Body=data)
    bucket.put_object(Key="odd/../../out.txt", Body=b"x")
    assert "completeness/path-unsafe" in rules(opened("s3://bucket/odd"))


@pytest.mark.usefixtures("bucket")
def test_no_such_object_in_a_store_is_no_such_input() -> None:
    with pytest.raises(UsageError, match="no such object"):
        opened("s3://bucket/absent.zip")


@pytest.mark.usefixtures("bucket")
def test_a_store_that_refuses_leaves_the_verdict_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    report = opened("s3://bucket/crate.zip")
    assert rules(report) == ["completeness/location-unreachable"]
