"""What every payload does, whatever the medium: the suite that each one runs."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from reverify.crates.payload import EntryKind, Payload
from reverify.errors import CrateError, LimitError

FILES = {
    "a.txt": b"one",
    "empty": b"",
    "sub/b.bin": bytes(range(256)) * 5000,
    "sub/deep/c.txt": b"three",
    "gr\u00f6\u00dfe \u2602.txt": b"four",
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class PayloadSuite(ABC):
    """The tests; a subclass says how a payload is made."""

    whole_is_digested = False

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @abstractmethod
    def make(self, content: Mapping[str, bytes], **limits: Any) -> Payload:  # noqa: ANN401 - see Limits
        """Make a payload of some files."""

    def test_it_lists_all_files_and_folders(self) -> None:
        entries = self.make(FILES).entries
        files = {p for p, e in entries.items() if e.kind is EntryKind.FILE}
        folders = {p for p, e in entries.items() if e.kind is EntryKind.FOLDER}
        assert files == set(FILES)
        assert folders == {"sub", "sub/deep"}

    def test_it_knows_the_sizes(self) -> None:
        entries = self.make(FILES).entries
        assert {p: entries[p].size for p in FILES} == {
            p: len(data) for p, data in FILES.items()
        }

    def test_it_finds_no_fault_in_plain_files(self) -> None:
        payload = self.make(FILES)
        assert payload.entries
        assert payload.faults == []

    def test_it_opens_each_file(self) -> None:
        payload = self.make(FILES)
        for path, data in FILES.items():
            with payload.open(path) as stream:
                assert stream.read() == data

    def test_it_reads_small_files_whole(self) -> None:
        assert self.make(FILES).read("a.txt", 100) == b"one"

    def test_it_reads_no_file_beyond_the_limit_of_the_caller(self) -> None:
        with pytest.raises(LimitError):
            self.make(FILES).read("sub/b.bin", 1000)

    @pytest.mark.parametrize(
        "path", ["nowhere", "sub", "", "../a.txt", "/a.txt", "a.txt/", "./a.txt"]
    )
    def test_it_opens_nothing_that_is_not_listed_as_a_file(self, path: str) -> None:
        with pytest.raises(CrateError) as caught:
            self.make(FILES).open(path)
        assert caught.value.rule == "completeness/file-missing"

    def test_it_digests_a_file(self) -> None:
        found = self.make(FILES).fingerprint("sub/b.bin", ["sha256", "md5"])
        data = FILES["sub/b.bin"]
        assert found.size == len(data)
        assert found.digests["sha256"] == sha256(data)
        assert found.digests["md5"] == hashlib.md5(data).hexdigest()

    def test_it_digests_many_files_each_by_its_own_algorithms(self) -> None:
        wanted = {path: {"sha256"} for path in FILES} | {"a.txt": {"sha1", "sha512"}}
        found = dict(self.make(FILES).fingerprints(wanted))
        assert set(found) == set(FILES)
        assert set(found["a.txt"].digests) == {"sha1", "sha512"}
        assert found["empty"].digests == {"sha256": sha256(b"")}

    def test_it_answers_for_every_file_that_it_is_asked_for(self) -> None:
        payload = self.make(FILES)
        assert payload.fingerprint("nowhere", ["sha256"]).problem

    def test_what_is_beyond_the_budget_is_told_and_the_rest_is_digested(self) -> None:
        payload = self.make(FILES, total_bytes=100_000_000)
        payload.budget.spend(payload.budget.bytes_left - 1000, "before")
        found = dict(payload.fingerprints({path: {"sha256"} for path in FILES}))
        assert found["sub/b.bin"].limit
        assert not found["sub/b.bin"].digests
        assert found["a.txt"].digests == {"sha256": sha256(b"one")}

    def test_when_the_time_is_up_nothing_is_digested(self) -> None:
        payload = self.make(FILES, seconds=3600)
        assert payload.entries
        payload.budget._deadline = 0
        found = dict(payload.fingerprints({path: {"sha256"} for path in FILES}))
        assert {path: bool(item.digests) for path, item in found.items()} == (
            dict.fromkeys(FILES, False)
        )

    def test_its_identity_is_the_same_each_time(self) -> None:
        def identity() -> dict[str, str]:
            payload = self.make(FILES)
            wanted = {path: {"sha256"} for path in payload.files}
            return payload.identity(dict(payload.fingerprints(wanted)))

        assert identity() == identity()
        assert len(identity()["sha256"]) == 64

    def test_it_needs_digests_of_all_files_or_of_the_whole(self) -> None:
        payload = self.make(FILES)
        assert payload.needs_every_digest is not self.whole_is_digested
        assert bool(payload.identity({})) is self.whole_is_digested

    def test_it_may_be_read_from_many_threads(self) -> None:
        payload = self.make(FILES)
        assert payload.entries

        def read(_: int) -> list[bytes]:
            found = []
            for path in FILES:
                with payload.open(path) as stream:
                    found.append(stream.read())
            return found

        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(read, range(20)):
                assert found == list(FILES.values())

    def test_it_holds_nothing_after_it_is_closed(self) -> None:
        payload = self.make(FILES)
        assert payload.entries
        payload.close()
        payload.close()

    def test_an_empty_one_is_empty(self) -> None:
        assert dict(self.make({"x": b""}).entries).keys() == {"x"}
