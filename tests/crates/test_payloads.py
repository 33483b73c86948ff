"""Every payload runs the suite of all payloads."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import uuid
import zipfile
from collections.abc import Collection, Mapping
from typing import Any

import fsspec
import pytest
from reverify.crates import directory, hashing
from reverify.crates.directory import DirectoryPayload
from reverify.crates.document import DocumentPayload
from reverify.crates.ocfl import OcflPayload
from reverify.crates.payload import EntryKind, Payload, identity_of
from reverify.crates.remote import RemotePayload
from reverify.crates.tar import TarPayload
from reverify.crates.zip import ZipPayload
from reverify.errors import CrateError, LimitError

from tests.builders import budget, ocfl_files, source_of, tar_bytes, write, zip_of
from tests.crates.payload_suite import FILES, PayloadSuite, sha256

Files = Mapping[str, bytes]


class TestDirectory(PayloadSuite):
    def make(self, content: Files, **limits: Any) -> DirectoryPayload:  # noqa: ANN401
        return DirectoryPayload(write(self.folder / "crate", content), budget(**limits))

    def test_its_identity_is_the_digest_of_a_sorted_listing(self) -> None:
        payload = self.make({"b": b"2", "a": b"1"})
        wanted = {path: {"sha256"} for path in payload.files}
        lines = f"{sha256(b'1')}  a\n{sha256(b'2')}  b\n"
        expected = sha256("".join(sorted(lines.splitlines(keepends=True))).encode())
        found = payload.identity(dict(payload.fingerprints(wanted)))
        assert found == {"sha256": expected}

    def test_workers_give_what_one_process_gives(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = {path: {"sha256", "md5"} for path in FILES}
        alone = dict(self.make(FILES, jobs=1).fingerprints(wanted))
        monkeypatch.setattr(directory, "WORTH_A_WORKER", (1, 1))
        monkeypatch.setattr(directory, "BATCH_FILES", 2)
        assert dict(self.make(FILES, jobs=2).fingerprints(wanted)) == alone

    @pytest.mark.parametrize("foreseen", [["md5", "sha256"], ["md5"], []])
    @pytest.mark.parametrize("limits", [{}, {"total_bytes": 8}, {"jobs": 1}])
    def test_what_is_read_ahead_is_what_is_read_later(
        self,
        monkeypatch: pytest.MonkeyPatch,
        foreseen: list[str],
        limits: dict[str, int],
    ) -> None:
        wanted = {path: {"sha256", "md5"} for path in FILES}
        later = dict(self.make(FILES, **limits).fingerprints(wanted))
        monkeypatch.setattr(directory, "WORTH_A_WORKER", (1, 1))
        monkeypatch.setattr(directory, "EARLY_FILES", 1)
        monkeypatch.setattr(directory, "BATCH_FILES", 1)
        ahead = DirectoryPayload(
            self.folder / "crate", budget(**limits), lambda _: foreseen
        )
        assert ahead.entries
        assert dict(ahead.fingerprints(wanted)) == later
        ahead.close()

    def test_algorithms_are_foreseen_from_the_folder_or_the_only_one_in_it(
        self,
    ) -> None:
        write(self.folder / "one", {"top/sub/file": b"", "top/other": b""})
        asked: list[set[str]] = []

        def foresight(paths: Collection[str]) -> list[str]:
            asked.append(set(paths))
            return []

        assert DirectoryPayload(self.folder / "one", budget(), foresight).entries
        assert asked == [{"top"}, {"top", "top/sub", "top/other"}]

    def test_names_that_are_no_utf8_reach_the_workers(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(directory, "WORTH_A_WORKER", (1, 1))
        monkeypatch.setattr(directory, "BATCH_FILES", 1)
        payload = self.make({"a\udcff": b"1", "b\n": b"2"}, jobs=2)
        found = dict(payload.fingerprints({p: {"sha256"} for p in payload.files}))
        assert all(item.digests for item in found.values())

    def test_a_worker_that_ends_too_early_is_undetermined(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(directory, "WORTH_A_WORKER", (1, 1))
        monkeypatch.setattr(directory, "BATCH_FILES", 1)
        monkeypatch.setattr(hashing, "__file__", os.devnull)
        payload = self.make(FILES, jobs=2)
        found = dict(payload.fingerprints({p: {"sha256"} for p in FILES}))
        assert set(found) == set(FILES)
        assert all("too early" in item.problem for item in found.values())

    def test_it_leaks_no_descriptor_where_a_folder_is_gone(self) -> None:
        payload = self.make(FILES)
        assert payload.entries
        (self.folder / "crate/sub/deep/c.txt").unlink()
        (self.folder / "crate/sub/deep").rmdir()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for _ in range(20):
            assert payload.fingerprint("sub/deep/c.txt", ["sha256"]).problem
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    def test_a_file_that_is_swapped_for_a_link_is_not_read(self) -> None:
        payload = self.make(FILES)
        assert payload.entries
        (self.folder / "secret").write_bytes(b"one")
        (self.folder / "crate/a.txt").unlink()
        (self.folder / "crate/a.txt").symlink_to(self.folder / "secret")
        assert payload.fingerprint("a.txt", ["sha256"]).digests == {}
        with pytest.raises(CrateError) as caught:
            payload.open("a.txt")
        assert caught.value.rule == "completeness/file-unreadable"

    def test_a_folder_that_is_swapped_for_a_link_is_not_entered(self) -> None:
        payload = self.make(FILES)
        assert payload.entries
        (self.folder / "crate/sub").rename(self.folder / "elsewhere")
        (self.folder / "crate/sub").symlink_to(self.folder / "elsewhere")
        assert payload.fingerprint("sub/b.bin", ["sha256"]).digests == {}

    def test_a_file_that_is_swapped_for_a_pipe_does_not_hang(self) -> None:
        payload = self.make(FILES)
        assert payload.entries
        (self.folder / "crate/a.txt").unlink()
        os.mkfifo(self.folder / "crate/a.txt")
        assert "regular" in payload.fingerprint("a.txt", ["sha256"]).problem

    def test_names_beyond_the_limit_may_be_there(self) -> None:
        payload = self.make({str(n): b"" for n in range(50)}, files=10)
        assert payload.entries
        assert payload.may_hold("anything")
        assert payload.faults[0].rule == "completeness/limit-reached"

    def test_below_a_folder_that_is_too_deep_anything_may_be(self) -> None:
        payload = self.make({"a/b/c/d/x": b"", "a/y": b""}, depth=2)
        assert "a/y" in payload.entries
        assert payload.may_hold("a/b/c/d/x")
        assert not payload.may_hold("a/z")


class TestOcfl(PayloadSuite):
    def make(self, content: Files, **limits: Any) -> OcflPayload:  # noqa: ANN401
        files = ocfl_files({"old.txt": b"gone"}, content)
        root = write(self.folder / "object", files)
        return OcflPayload(DirectoryPayload(root, budget(**limits)))


class TestOcflInAFolder(PayloadSuite):
    whole_is_digested = True

    def make(self, content: Files, **limits: Any) -> OcflPayload:  # noqa: ANN401
        files = ocfl_files({"old.txt": b"gone"}, content)
        data = zip_of({f"top/{path}": item for path, item in files.items()})
        inner = ZipPayload(source_of(data), len(data), budget(**limits))
        return OcflPayload(inner, "top/")


class TestZip(PayloadSuite):
    whole_is_digested = True

    def make(self, content: Files, **limits: Any) -> ZipPayload:  # noqa: ANN401
        data = zip_of(content)
        return ZipPayload(source_of(data), len(data), budget(**limits))

    def test_its_identity_is_the_digest_of_the_archive(self) -> None:
        expected = {"sha256": sha256(zip_of(FILES))}
        assert self.make(FILES).identity({}) == expected

    def test_more_members_than_the_limit_are_not_listed(self) -> None:
        with pytest.raises(LimitError):
            self.make({str(n): b"" for n in range(50)}, members=10)


class TestStoredZip(PayloadSuite):
    whole_is_digested = True

    def make(self, content: Files, **limits: Any) -> ZipPayload:  # noqa: ANN401
        data = zip_of(content, method=0)
        return ZipPayload(source_of(data), len(data), budget(**limits))


class TestZipOfTheLibrary(PayloadSuite):
    whole_is_digested = True

    def make(self, content: Files, **limits: Any) -> ZipPayload:  # noqa: ANN401
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
            for name, data in content.items():
                # Its default date: that of now would make other bytes each time.
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_LZMA)
        data = target.getvalue()
        return ZipPayload(source_of(data), len(data), budget(**limits))


class TestTar(PayloadSuite):
    whole_is_digested = True

    def pack(self, data: bytes) -> bytes:
        return data

    def make(self, content: Files, **limits: Any) -> TarPayload:  # noqa: ANN401
        data = self.pack(tar_bytes(content))
        return TarPayload(source_of(data), len(data), budget(**limits))

    def test_its_identity_is_the_digest_of_the_archive(self) -> None:
        expected = {"sha256": sha256(self.pack(tar_bytes({"a": b"1"})))}
        if self.pack is not gzip.compress:
            assert self.make({"a": b"1"}).identity({}).keys() == expected.keys()

    def test_behind_the_last_member_that_is_listed_anything_may_be(self) -> None:
        payload = self.make({str(n): b"" for n in range(50)}, members=10)
        assert len(payload.entries) == 10
        assert payload.may_hold("49")

    def test_members_that_are_too_deep_are_left_out(self) -> None:
        payload = self.make({"a/b/c/d": b"", "x": b""}, depth=2)
        assert "x" in payload.entries
        assert "a/b/c/d" not in payload.entries
        assert payload.may_hold("a/b/c/d")

    def test_a_file_that_is_not_kept_is_found_again(self) -> None:
        payload = self.make({"a.bin": b"1" * 5000, "b.bin": b"2" * 5000})
        assert payload.read("b.bin", 10_000) == b"2" * 5000


class TestGzippedTar(TestTar):
    def pack(self, data: bytes) -> bytes:
        return gzip.compress(data, mtime=0)


class TestBzippedTar(TestTar):
    def pack(self, data: bytes) -> bytes:
        return bz2.compress(data)


class TestXzTar(TestTar):
    def pack(self, data: bytes) -> bytes:
        return lzma.compress(data)


class TestGnuTar(PayloadSuite):
    whole_is_digested = True

    def make(self, content: Files, **limits: Any) -> TarPayload:  # noqa: ANN401
        data = tar_bytes(content, format=tarfile.GNU_FORMAT)
        return TarPayload(source_of(data), len(data), budget(**limits))


class TestRemote(PayloadSuite):
    def make(self, content: Files, **limits: Any) -> RemotePayload:  # noqa: ANN401
        fs = fsspec.filesystem("memory")
        root = f"/{uuid.uuid4()}"
        for path, data in content.items():
            fs.pipe(f"{root}/{path}", data)
        return RemotePayload(fs, root, budget(**limits))


# -- what is the same for all ------------------------------------------------------


def test_an_archive_that_cannot_be_read_again_has_no_identity() -> None:
    def gone() -> io.BytesIO:
        raise FileNotFoundError

    assert identity_of(gone, budget()) == {}


def test_an_archive_whose_time_is_up_has_no_identity() -> None:
    late = budget(seconds=-1)
    assert identity_of(source_of(b"x"), late) == {}


def test_a_document_holds_itself_alone() -> None:
    payload: Payload = DocumentPayload("x.json", b"{}", budget())
    assert dict(payload.entries).keys() == {"x.json"}
    assert payload.entries["x.json"].kind is EntryKind.FILE
    assert payload.read("x.json", 10) == b"{}"
    assert payload.identity({}) == {"sha256": sha256(b"{}")}
    assert not payload.needs_every_digest


def test_what_is_no_zip_is_said_to_be_broken() -> None:
    with pytest.raises(CrateError) as caught:
        ZipPayload(source_of(b"PK\3\4"), 4, budget())
    assert caught.value.rule == "completeness/archive-broken"


def test_what_is_no_tar_is_said_to_be_broken() -> None:
    payload = TarPayload(source_of(b"x" * 2000), 2000, budget())
    with pytest.raises(CrateError) as caught:
        assert payload.entries
    assert caught.value.rule == "completeness/archive-broken"
