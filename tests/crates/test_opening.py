"""Opening a location on this machine: what it is, and what it is not."""

import io
import os
import sys
from pathlib import Path

import pytest
from reverify.crates.limits import Limits
from reverify.crates.opening import open_crate
from reverify.errors import CrateError, LimitError, ServiceError, UsageError

from tests.builders import (
    METADATA,
    bag_files,
    crate_files,
    document,
    encode,
    ocfl_files,
    tar_bytes,
    write,
    write_crate,
    zip_of,
)

FILES = {"a.txt": b"one"}
WHOLE = crate_files(FILES)


def format_of(location: str | Path) -> str:
    with open_crate(str(location)) as crate:
        assert crate.metadata is not None
        assert crate.metadata.root is not None
        return crate.format


def packings(folder: Path) -> dict[str, Path]:
    archive, tar, bagged = folder / "x.zip", folder / "x.tar", folder / "b.zip"
    archive.write_bytes(zip_of(WHOLE))
    tar.write_bytes(tar_bytes(WHOLE))
    bagged.write_bytes(zip_of({f"b/{p}": d for p, d in bag_files(WHOLE).items()}))
    objects = ocfl_files(FILES, WHOLE)
    zipped, tarred = folder / "o.zip", folder / "o.tar"
    zipped.write_bytes(zip_of({f"o/{p}": d for p, d in objects.items()}))
    tarred.write_bytes(tar_bytes(objects))
    lone = folder / "x-ro-crate-metadata.json"
    lone.write_bytes(WHOLE[METADATA])
    return {
        "directory": write(folder / "crate", WHOLE),
        "zip": archive,
        "tar": tar,
        "bag": write(folder / "bag", bag_files(WHOLE)),
        "bag-zip": bagged,
        "ocfl": write(folder / "object", objects),
        "ocfl-zip": zipped,
        "ocfl-tar": tarred,
        "document": lone,
    }


@pytest.mark.parametrize(
    "format",
    "directory zip tar bag bag-zip ocfl ocfl-zip ocfl-tar document".split(),
)
def test_a_crate_is_opened_however_it_is_packed(tmp_path: Path, format: str) -> None:
    assert format_of(packings(tmp_path)[format]) == format


def test_the_document_of_a_directory_stands_for_the_directory(tmp_path: Path) -> None:
    crate = write_crate(tmp_path / "crate", FILES)
    assert format_of(crate / METADATA) == "directory"


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    crate = write_crate(tmp_path / "a crate", FILES)
    assert format_of(f"file://{str(crate).replace(' ', '%20')}") == "directory"
    assert format_of(f"local://{str(crate).replace(' ', '%20')}") == "directory"


def test_a_document_may_come_from_standard_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(WHOLE[METADATA]))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert format_of("-") == "document"


@pytest.mark.parametrize(
    "location",
    ["nowhere", "./nowhere.zip", "a://" + "x" * 5000, "file://[::1", "memory://none"],
)
def test_where_there_is_nothing_the_question_is_wrong(location: str) -> None:
    with pytest.raises(UsageError), open_crate(location):
        pass


@pytest.mark.parametrize(
    "location", ["memory://x::http://127.0.0.1/", "zip://a::file:///etc/passwd"]
)
def test_chained_urls_are_not_opened(location: str) -> None:
    with pytest.raises(UsageError, match="chained"), open_crate(location):
        pass


@pytest.mark.parametrize("location", ["https://example.org/", "s3://b/k", "10.1234/x"])
def test_offline_nothing_elsewhere_is_opened(location: str) -> None:
    with pytest.raises(ServiceError, match="offline"), open_crate(location):
        pass


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"plain text", "no directory, zip, tar"),
        (b"\x7fELF", "no directory, zip, tar"),
        (b"PK\3\4", "zip"),
        (b"\x1f\x8b", "tar"),
        (b"BZh", "tar"),
    ],
)
def test_what_is_no_crate_is_said_to_be_none(
    tmp_path: Path, data: bytes, words: str
) -> None:
    file = tmp_path / "x"
    file.write_bytes(data)
    with pytest.raises(CrateError, match=words), open_crate(str(file)):
        pass


def test_a_directory_without_a_document_is_opened_all_the_same(tmp_path: Path) -> None:
    with open_crate(str(write(tmp_path / "x", FILES))) as crate:
        assert crate.metadata is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.zip")
    with pytest.raises(CrateError), open_crate(str(tmp_path / "x.zip")):
        pass


def test_a_document_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b" " * 1000)
    limits = Limits(metadata_bytes=100)
    with (
        pytest.raises(LimitError),
        open_crate(str(tmp_path / "x.json"), limits=limits),
    ):
        pass


def test_a_document_in_a_directory_beyond_the_limit_is_a_fault(tmp_path: Path) -> None:
    crate = write_crate(tmp_path / "crate", FILES)
    with open_crate(str(crate), limits=Limits(metadata_bytes=10)) as opened:
        assert [fault.rule for fault in opened.faults] == ["completeness/limit-reached"]


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_the_shallowest_document_wins(tmp_path: Path, packing: str) -> None:
    inner = {f"in/{path}": data for path, data in crate_files({"b": b"x"}).items()}
    files = {**inner, METADATA: encode(document(FILES)), **FILES}
    archive = tmp_path / "x"
    archive.write_bytes(zip_of(files) if packing == "zip" else tar_bytes(files))
    with open_crate(str(archive)) as crate:
        assert crate.metadata is not None
        assert crate.metadata.file == METADATA
        assert crate.nested == ["in"]


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for location in packings(tmp_path).values():
        with open_crate(str(location)) as crate:
            assert crate.payload.entries
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
