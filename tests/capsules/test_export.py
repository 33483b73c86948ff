"""Exporting: what holds is written, what does not is named, the same each time."""

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest
from reverify.capsules.export import FORMATS, export_capsule, stream_capsule
from reverify.errors import CapsuleError, UsageError
from reverify.model.capsule import FileRecord

from tests.capsules.exports import (
    FILES,
    ID,
    Memory,
    capsule_of,
    export_files,
    export_folder,
    full,
    names,
    sha256,
    tree_of,
    write_files,
)

SMALL = {"a.txt": b"one", "sub/b.txt": b"two"}
ADDED = {
    "CITATION.cff",
    "capsule.json",
    "codemeta.json",
    "ro-crate-metadata.json",
    "ro-crate-preview.html",
}


def refusal(
    folder: Path, document: dict[str, object], **options: object
) -> CapsuleError:
    """Why an export is refused; nothing is left of it."""
    before = names(folder.parent)
    with pytest.raises(CapsuleError) as caught:
        export_folder(folder, document, folder.parent / "out", **options)
    assert names(folder.parent) == before
    return caught.value


# -- what is written -------------------------------------------------------------------


def test_files_lie_under_their_paths_with_what_describes_them(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    export_folder(folder, full(), tmp_path / "out")
    written = tree_of(tmp_path / "out")
    assert {path: written[path] for path in FILES} == FILES
    assert set(written) - set(FILES) == ADDED


def test_the_manifest_is_written_byte_for_byte(tmp_path: Path) -> None:
    manifest = capsule_of(SMALL)
    export_files(SMALL, tmp_path / "out")
    assert (tmp_path / "out" / "capsule.json").read_bytes() == manifest.data


def test_the_manifest_makes_way_for_files_of_its_name(tmp_path: Path) -> None:
    files = {"capsule.json": b"theirs", "Capsule-1.json": b"theirs too"}
    export_files(files, tmp_path / "out")
    written = tree_of(tmp_path / "out")
    assert written["capsule.json"] == b"theirs"
    assert json.loads(written["capsule-2.json"])["id"] == ID


@pytest.mark.parametrize("path", ["CITATION.cff", "citation.cff/a.txt"])
def test_a_citation_of_the_capsules_own_is_kept(tmp_path: Path, path: str) -> None:
    files = FILES | {path: b"theirs"}
    folder = write_files(tmp_path / "capsule", files)
    document = full()
    document["inputs"] = [*document["inputs"], {"path": path}]
    export_folder(folder, document, tmp_path / "out")
    written = tree_of(tmp_path / "out")
    assert written[path] == b"theirs"
    assert [name for name in written if name.lower().startswith("citation.cff")] == [
        path
    ]


def test_there_is_a_codemeta_only_where_code_is(tmp_path: Path) -> None:
    export_files(SMALL, tmp_path / "out")
    assert not (tmp_path / "out" / "codemeta.json").exists()


def test_measured_sizes_and_digests_are_stated(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    document = full()
    document["outputs"] = [{"path": "out/total.txt"}]
    export_folder(folder, document, tmp_path / "out")
    graph = json.loads((tmp_path / "out" / "ro-crate-metadata.json").read_bytes())
    entities = {entity["@id"]: entity for entity in graph["@graph"]}
    total = entities["out/total.txt"]
    assert total["sha256"] == sha256(FILES["out/total.txt"])
    assert total["contentSize"] == "2"
    for name in ("CITATION.cff", "codemeta.json", "capsule.json"):
        data = (tmp_path / "out" / name).read_bytes()
        assert entities[name]["sha256"] == sha256(data)


def test_a_file_that_is_only_on_the_web_is_not_wanted(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    document = full()
    document["inputs"] = [{"url": "https://data.example.org/rain.csv"}]
    export_folder(folder, document, tmp_path / "out")
    assert not (tmp_path / "out" / "data").exists()


def test_a_file_that_is_input_and_output_is_written_once(tmp_path: Path) -> None:
    document = full(inputs=[{"path": "data/rain.csv"}])
    document["outputs"] = [{"path": "data/rain.csv", "sha256": "0" * 64}]
    folder = write_files(tmp_path / "capsule")
    (reason,) = refusal(folder, document).reasons
    assert reason.startswith("data/rain.csv: has sha256")


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_told_is_what_was_written(tmp_path: Path, format: str) -> None:
    told = export_files(SMALL, tmp_path / "out", format)
    assert told.path == tmp_path / "out"
    assert told.crate_id == f"urn:uuid:{ID}"
    assert told.swhids == ()
    if format in {"zip", "bag-zip"}:
        data = (tmp_path / "out").read_bytes()
        assert told.checksum == hashlib.sha256(data).hexdigest()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            written = {name: archive.read(name) for name in archive.namelist()}
    else:
        written = tree_of(tmp_path / "out")
        lines = sorted(f"{sha256(data)}  {path}\n" for path, data in written.items())
        assert told.checksum == sha256("".join(lines).encode())
    assert told.files == len(written)
    assert told.bytes == sum(map(len, written.values()))
    (document,) = (
        json.loads(data) for path, data in written.items() if path.endswith("data.json")
    )
    assert told.entities == len(document["@graph"])


def test_what_is_told_fits_into_json(tmp_path: Path) -> None:
    told = export_files(SMALL, tmp_path / "out").to_dict()
    assert json.loads(json.dumps(told)) == told


# -- the same bytes each time ----------------------------------------------------------


@pytest.mark.parametrize("ro_crate", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_capsule_gives_the_same_bytes(
    tmp_path: Path, format: str, ro_crate: str
) -> None:
    folder = write_files(tmp_path / "capsule")
    first, second = (
        export_folder(folder, full(), tmp_path / name, format=format, ro_crate=ro_crate)
        for name in ("one", "two")
    )
    assert first.checksum == second.checksum
    if format in {"zip", "bag-zip"}:
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    else:
        assert tree_of(tmp_path / "one") == tree_of(tmp_path / "two")


def test_times_and_modes_of_files_leave_no_trace(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    first = export_folder(folder, full(), tmp_path / "one.zip", format="zip")
    for path in FILES:
        os.utime(folder / path, (1, 1))
        (folder / path).chmod(0o700)
    second = export_folder(folder, full(), tmp_path / "two.zip", format="zip")
    assert first.checksum == second.checksum


def test_the_order_of_the_manifest_does_not_order_the_archive(tmp_path: Path) -> None:
    export_files(dict(reversed(SMALL.items())), tmp_path / "a.zip", "zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist()[:2] == ["a.txt", "sub/b.txt"]


def test_the_date_of_a_bag_is_the_capsules_own(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    export_folder(folder, full(), tmp_path / "bag", format="bag")
    info = (tmp_path / "bag" / "bag-info.txt").read_text()
    assert "Bagging-Date: 2026-01-31\n" in info
    assert f"External-Identifier: urn:uuid:{ID}\n" in info


def test_a_bag_in_a_zip_lies_in_a_folder_of_the_capsules_name(tmp_path: Path) -> None:
    export_files(SMALL, tmp_path / "b.zip", "bag-zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {f"capsule-{ID}"}


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize("status", ["draft", "running"])
def test_a_capsule_that_is_not_over_is_refused(tmp_path: Path, status: str) -> None:
    folder = write_files(tmp_path / "capsule")
    assert f"is {status}; only" in str(refusal(folder, full(status=status)))


def test_a_failed_capsule_is_exported(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    export_folder(folder, full(status="failed"), tmp_path / "out")
    assert (tmp_path / "out" / "ro-crate-metadata.json").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_all_files_that_are_not_what_they_were_are_named_at_once(
    tmp_path: Path, format: str
) -> None:
    folder = write_files(tmp_path / "capsule")
    (folder / "data/rain.csv").write_bytes(FILES["data/rain.csv"][::-1])
    (folder / "out/total.txt").unlink()
    (folder / "out/plot.svg").write_bytes(b"longer than it was" * 10)
    (folder / "requirements.lock").unlink()
    (folder / "requirements.lock").symlink_to("src/sum.py")
    reasons = refusal(folder, full(), format=format).reasons
    starts = [
        "data/rain.csv: has sha256",
        "out/plot.svg: has size 180, the manifest states 41",
        "out/total.txt: is missing",
        "requirements.lock: is a link",
    ]
    assert len(reasons) == len(starts)
    assert all(map(str.startswith, reasons, starts))
    digest = sha256(FILES["data/rain.csv"])
    assert f"the manifest states {digest}" in reasons[0]


def test_a_changed_digest_alone_is_found_while_copying(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    (folder / "out/total.txt").write_bytes(b"4\n")
    (reason,) = refusal(folder, full()).reasons
    digest = sha256(b"4\n")
    assert reason.startswith(f"out/total.txt: has sha256 {digest}, the manifest")


class Unreadable(io.BytesIO):
    def readinto(self, _: object, /) -> int:
        raise OSError(5, "Input/output error")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    class Source(Memory):
        def open(self, file: FileRecord) -> BinaryIO:
            return Unreadable(b"one") if file.path == "a.txt" else super().open(file)

    with pytest.raises(CapsuleError, match=r"a\.txt: cannot be read \(Input/output"):
        export_capsule(capsule_of(SMALL), Source(SMALL), tmp_path / "out")
    assert names(tmp_path) == []


def test_a_path_too_deep_for_a_check_is_refused(tmp_path: Path) -> None:
    files = {"d/" * 300 + "a.txt": b"one"}
    with pytest.raises(CapsuleError, match="more than 256 folders deep"):
        export_files(files, tmp_path / "out")


@pytest.mark.parametrize("path", ["..\\a.txt", "C:\\a.txt", "sub/..\\a.txt"])
def test_a_name_that_climbs_on_windows_goes_into_no_zip(
    tmp_path: Path, path: str
) -> None:
    with pytest.raises(CapsuleError, match="export it as dir or bag"):
        export_files({path: b"one"}, tmp_path / "a.zip", "zip")
    export_files({path: b"one"}, tmp_path / "out", "bag")
    assert (tmp_path / "out" / "data" / path).read_bytes() == b"one"


def test_an_unknown_format_or_version_is_a_question_that_cannot_be_asked(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="dir, zip, bag, bag-zip"):
        export_files(SMALL, tmp_path / "out", "tar")
    with pytest.raises(UsageError, match=r"1\.1, 1\.2, 1\.3"):
        export_files(SMALL, tmp_path / "out", ro_crate="1.0")


# -- where it goes ---------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_a_target_that_is_taken_is_refused_and_replaced_if_asked(
    tmp_path: Path, format: str
) -> None:
    target = tmp_path / "out"
    first = export_files(SMALL, target, format)
    with pytest.raises(CapsuleError, match="is there already"):
        export_files({"a.txt": b"other"}, target, format)
    second = export_files({"a.txt": b"other"}, target, format, force=True)
    third = export_files(SMALL, target, format, force=True)
    assert first.checksum != second.checksum
    assert first.checksum == third.checksum
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["capsule", "capsule/data", "capsule/out/total.txt"])
def test_the_capsule_itself_is_never_replaced(tmp_path: Path, name: str) -> None:
    folder = write_files(tmp_path / "capsule")
    (folder / "ro-crate-metadata.json").write_text("{}")
    (folder / "data" / "ro-crate-metadata.json").write_text("{}")
    format = "zip" if name.endswith("txt") else "dir"
    before = tree_of(folder)
    with pytest.raises(CapsuleError, match="holds the capsule itself"):
        export_folder(folder, full(), tmp_path / name, format=format, force=True)
    assert tree_of(folder) == before


def test_a_crate_may_lie_in_the_folder_of_its_capsule(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capsule")
    export_folder(folder, full(), folder / "crate")
    assert set(tree_of(folder / "crate")) == set(FILES) | ADDED


# -- streams ---------------------------------------------------------------------------


class Pipe:
    """A stream that only takes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data

    def flush(self) -> None:
        """Nothing is held back."""


@pytest.mark.parametrize("format", ["zip", "bag-zip"])
def test_a_stream_gets_what_a_file_gets(tmp_path: Path, format: str) -> None:
    pipe = Pipe()
    streamed = stream_capsule(capsule_of(SMALL), Memory(SMALL), pipe, format=format)
    written = export_files(SMALL, tmp_path / "a.zip", format)
    assert bytes(pipe.data) == (tmp_path / "a.zip").read_bytes()
    assert streamed.checksum == written.checksum
    assert streamed.path is None


def test_no_byte_goes_out_if_a_file_is_missing() -> None:
    pipe = Pipe()
    with pytest.raises(CapsuleError, match=r"sub/b\.txt: is missing"):
        stream_capsule(capsule_of(SMALL), Memory({"a.txt": b"one"}), pipe)
    assert not pipe.data


def test_a_stream_that_breaks_off_is_no_archive() -> None:
    pipe = Pipe()
    changed = Memory(SMALL | {"sub/b.txt": b"TWO"})
    with pytest.raises(CapsuleError, match=r"sub/b\.txt: has sha256"):
        stream_capsule(capsule_of(SMALL), changed, pipe)
    assert pipe.data
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(bytes(pipe.data)))


def test_what_cannot_be_streamed_is_told() -> None:
    with pytest.raises(UsageError, match="zip, bag-zip"):
        stream_capsule(capsule_of(SMALL), Memory(SMALL), Pipe(), format="bag")


def test_a_listener_that_goes_away_ends_it() -> None:
    class Gone(Pipe):
        def write(self, _: bytes) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        stream_capsule(capsule_of(SMALL), Memory(SMALL), Gone())


@pytest.mark.parametrize("format", FORMATS)
def test_each_file_is_read_once(tmp_path: Path, format: str) -> None:
    read = dict.fromkeys(SMALL, 0)

    class Counted(io.BytesIO):
        def __init__(self, path: str) -> None:
            super().__init__(SMALL[path])
            self._path = path

        def readinto(self, buffer: object, /) -> int:
            count = super().readinto(buffer)  # type: ignore[arg-type]
            read[self._path] += count
            return count

    class Source:
        def open(self, file: FileRecord) -> BinaryIO:
            return Counted(str(file.path))

    export_capsule(capsule_of(SMALL), Source(), tmp_path / "out", format=format)
    assert read == {path: len(data) for path, data in SMALL.items()}
