"""Directory, zip and bag: what is put in comes out, always in the same bytes."""

import hashlib
import io
import os
import stat
import subprocess
import tracemalloc
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reverify.capsules.writers import BagWriter, DirectoryWriter, Writer, ZipWriter
from reverify.capsules.writers.interface import (
    ContentError,
    Nowhere,
    copy,
    listing_digest,
)
from reverify.crates.bag import find_bags
from reverify.crates.directory import DirectoryPayload
from reverify.crates.zip import ZipPayload

from tests.builders import budget
from tests.capsules.exports import tree_of

FILES = {
    "ro-crate-metadata.json": b"{}",
    "data/a b#c%41?.txt": b"one",
    "data/größe/\u65e5\u672c.bin": bytes(range(256)) * 9,
    "data/größe/empty": b"",
    "-rf": b"two",
    "line\nend\r%0A.txt": b"three",
}
PLAIN = {path: data for path, data in FILES.items() if "%" not in path}
INFO = [("External-Identifier", "urn:uuid:1"), ("External-Description", "a\nb\r\x85c")]


class Forward(io.RawIOBase):
    """A stream that cannot be sought in, as a socket."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        self.taken += memoryview(data)  # type: ignore[arg-type]
        return len(memoryview(data))  # type: ignore[arg-type]


def fill(writer: Writer, files: Mapping[str, bytes] = FILES) -> Writer:
    for path, data in files.items():
        writer.add_bytes(path, data)
    writer.finish()
    return writer


def directory(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    folder.mkdir()
    root = os.open(folder, os.O_RDONLY)
    fill(DirectoryWriter(root), files)
    os.close(root)
    return folder


def bag(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    folder.mkdir()
    root = os.open(folder, os.O_RDONLY)
    fill(BagWriter(DirectoryWriter(root), INFO), files)
    os.close(root)
    return folder


def zipped(files: Mapping[str, bytes] = FILES, folder: str = "") -> bytes:
    stream = io.BytesIO()
    fill(ZipWriter(stream, folder), files)
    return stream.getvalue()


def test_a_directory_holds_what_was_put_in(tmp_path: Path) -> None:
    assert tree_of(directory(tmp_path / "crate")) == FILES


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        crate = directory(tmp_path / "crate")
    finally:
        os.umask(before)
    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in crate.rglob("*") if path.is_file()
    }
    folders = {
        stat.S_IMODE(path.stat().st_mode) for path in crate.rglob("*") if path.is_dir()
    }
    assert modes == {0o644}
    assert folders == {0o755}


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    crate = tmp_path / "crate"
    crate.mkdir()
    (crate / "data").symlink_to(outside)
    root = os.open(crate, os.O_RDONLY)
    with pytest.raises(OSError, match=r"Not a directory|symbolic"):
        DirectoryWriter(root).add_bytes("data/a.txt", b"one")
    os.close(root)
    assert list(outside.iterdir()) == []


def test_a_path_may_be_longer_than_the_system_takes_at_once(tmp_path: Path) -> None:
    path = "/".join(["d" * 200] * 20)
    crate = directory(tmp_path / "crate", {path: b"deep"})
    with closing(DirectoryPayload(crate, budget())) as payload:
        assert payload.read(path, 10) == b"deep"


def test_no_path_is_written_twice() -> None:
    writer = Nowhere()
    writer.add_bytes("a", b"1")
    with pytest.raises(FileExistsError):
        writer.add_bytes("a", b"1")


def test_size_and_digests_are_those_of_the_bytes() -> None:
    also = hashlib.md5(b"before ")
    written = Nowhere().add("a", io.BytesIO(b"after"), [also])
    assert written.size == 5
    assert written.sha256 == hashlib.sha256(b"after").hexdigest()
    assert also.hexdigest() == hashlib.md5(b"before after").hexdigest()


class Longer(io.BytesIO):
    """A file that is appended to while it is read."""

    def readinto(self, buffer: object, /) -> int:
        count = super().readinto(buffer)  # type: ignore[arg-type]
        at = self.tell()
        self.seek(0, io.SEEK_END)
        self.write(b"more")
        self.seek(at)
        return count


def test_a_file_that_grows_while_it_is_read_is_told() -> None:
    with pytest.raises(ContentError, match="changed while it was read"):
        copy(Longer(b"four"), io.BytesIO(), 4, ())


def test_a_file_that_shrinks_while_it_is_read_is_told() -> None:
    with pytest.raises(ContentError, match="changed while it was read"):
        copy(io.BytesIO(b"fou"), io.BytesIO(), 4, ())


def test_a_file_rewritten_in_place_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)

    class Meddling(io.BytesIO):
        def write(self, data: object, /) -> int:
            with path.open("r+b") as stream:
                stream.write(b"y" * 100)
            os.utime(path, ns=(0, 0))
            return len(memoryview(data))  # type: ignore[arg-type]

    with path.open("rb") as stream, pytest.raises(ContentError, match="changed"):
        copy(stream, Meddling(), 100, ())


# -- zip -------------------------------------------------------------------------------


def test_a_zip_holds_what_was_put_in_in_that_order() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(FILES)
        assert {name: archive.read(name) for name in FILES} == FILES


def test_members_have_no_time_and_a_plain_mode() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        members = archive.infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    modes = {member.external_attr >> 16 for member in members}
    assert modes == {stat.S_IFREG | 0o644}


def test_names_that_are_not_ascii_are_marked_as_utf_8() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        marked = {m.filename: bool(m.flag_bits & 0x800) for m in archive.infolist()}
    assert marked == {name: not name.isascii() for name in FILES}


def test_unzip_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped())
    subprocess.run(["unzip", "-tq", str(path)], check=True)


def test_a_stream_that_only_goes_forward_gets_the_same_bytes() -> None:
    stream = Forward()
    fill(ZipWriter(stream))
    assert bytes(stream.taken) == zipped()


def test_our_own_reader_finds_nothing_to_say() -> None:
    data = zipped(folder="capsule-1/")
    with closing(ZipPayload(lambda: io.BytesIO(data), len(data), budget())) as payload:
        assert {f"capsule-1/{name}" for name in FILES} == set(payload.files)
        assert payload.faults == []


def test_what_is_abandoned_is_no_archive() -> None:
    stream = io.BytesIO()
    writer = ZipWriter(stream)
    writer.add_bytes("a", b"one")
    writer.abandon()
    del writer
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(stream)


class Zeros(io.RawIOBase):
    """A file of so many zeros, which takes no room."""

    def __init__(self, size: int) -> None:
        self._left = self._size = size

    def seek(self, offset: int, whence: int = 0, /) -> int:
        at = self._size if whence == io.SEEK_END else offset
        self._left = self._size - at
        return at

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        count = min(len(view), self._left)
        view[:count] = bytes(count)
        self._left -= count
        return count


class Counting:
    """A stream that forgets what it is given."""

    def __init__(self) -> None:
        self.count = 0
        self.tail = b""

    def write(self, data: bytes) -> None:
        self.count += len(data)
        self.tail = (self.tail + bytes(data))[-200:]

    def flush(self) -> None:
        """Nothing is held back."""


def test_memory_does_not_grow_with_the_size_of_a_file() -> None:
    stream: BinaryIO = Zeros(100 << 20)  # type: ignore[assignment]
    tracemalloc.start()
    writer = ZipWriter(Counting())
    writer.add("a", stream)
    writer.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.long
@pytest.mark.slow
def test_a_file_over_4_gib_makes_it_zip64() -> None:
    size = (4 << 30) + 5
    stream: BinaryIO = Zeros(size)  # type: ignore[assignment]
    taken = Forward()
    writer = ZipWriter(taken)
    writer.add("a", stream)
    writer.finish()
    with zipfile.ZipFile(io.BytesIO(taken.taken)) as archive:
        member = archive.getinfo("a")
        assert member.file_size == size
        with archive.open(member) as content:
            assert content.read(4096) == bytes(4096)


# -- bags ------------------------------------------------------------------------------


def test_bagit_python_says_that_a_bag_is_valid(tmp_path: Path) -> None:
    made = bagit.Bag(str(bag(tmp_path / "bag", PLAIN)))
    made.validate()
    assert sorted(made.algorithms) == ["sha256", "sha512"]


def test_our_own_reader_says_that_a_bag_is_well_formed(tmp_path: Path) -> None:
    with closing(DirectoryPayload(bag(tmp_path / "bag"), budget())) as payload:
        (found,) = find_bags(payload, [""])
        assert found.faults == []
        assert found.version == "1.0"
        payload_manifests = [m for m in found.manifests if not m.of_tags]
        for manifest in payload_manifests:
            listed = {item.path: item.digest for item in manifest.listed}
            name = manifest.name
            assert listed == {
                f"data/{path}": f"{name}:{hashlib.new(name, data).hexdigest()}"
                for path, data in FILES.items()
            }
        assert [m.name for m in payload_manifests] == ["sha256", "sha512"]


def test_lf_cr_and_percent_in_paths_are_encoded(tmp_path: Path) -> None:
    text = (bag(tmp_path / "bag") / "manifest-sha512.txt").read_bytes().decode()
    assert "data/line%0Aend%0D%250A.txt\n" in text
    assert "data/a b#c%2541?.txt\n" in text


def test_tag_manifests_list_every_other_tag_file(tmp_path: Path) -> None:
    made = bag(tmp_path / "bag")
    tags = {path.name for path in made.iterdir() if path.is_file()}
    for name in ("sha256", "sha512"):
        lines = (made / f"tagmanifest-{name}.txt").read_text().splitlines()
        listed = {line[-1]: line[0] for line in map(str.split, lines)}
        assert set(listed) == {t for t in tags if not t.startswith("tagmanifest")}
        for tag, digest in listed.items():
            data = (made / tag).read_bytes()
            assert hashlib.new(name, data).hexdigest() == digest


def test_bag_info_has_the_oxum_and_each_value_on_one_line(tmp_path: Path) -> None:
    text = (bag(tmp_path / "bag") / "bag-info.txt").read_bytes().decode()
    octets = sum(map(len, FILES.values()))
    assert text == (
        "External-Identifier: urn:uuid:1\nExternal-Description: a b c\n"
        f"Payload-Oxum: {octets}.{len(FILES)}\n"
    )


def test_a_bag_in_a_zip_is_in_one_folder() -> None:
    stream = io.BytesIO()
    fill(BagWriter(ZipWriter(stream, "capsule-1/"), INFO))
    with zipfile.ZipFile(stream) as archive:
        names = archive.namelist()
    assert all(name.startswith("capsule-1/") for name in names)
    assert {n for n in names if "/data/" in n} == {f"capsule-1/data/{p}" for p in FILES}


# -- laws ------------------------------------------------------------------------------

PART = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1
).filter(lambda part: part not in {".", ".."} and len(part.encode()) < 100)
PATH = st.lists(PART, min_size=1, max_size=3).map("/".join)


@given(st.dictionaries(PATH, st.binary(max_size=50), max_size=8))
def test_whatever_goes_into_a_zip_comes_out(files: dict[str, bytes]) -> None:
    data = zipped(files)
    assert data == zipped(files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {m.orig_filename: archive.read(m) for m in archive.infolist()} == files


def test_the_digest_of_a_directory_is_that_of_its_sorted_listing() -> None:
    writer = fill(Nowhere(), {"b": b"1", "a": b"2"})
    lines = sorted(
        f"{hashlib.sha256(data).hexdigest()}  {path}\n"
        for path, data in {"b": b"1", "a": b"2"}.items()
    )
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert listing_digest(writer.everything) == expected
