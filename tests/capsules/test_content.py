"""Files by their digest."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from reverify.capsules import content
from reverify.capsules.content import ChangedError, ContentStore, Measured
from reverify.errors import CapsuleError

from tests.capsules.builders import sha256
from tests.conftest import ROOT

DATA = b"station,mm\n" * 300_000
DIGEST = sha256(DATA)


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "store")


@pytest.fixture
def add(store: ContentStore, tmp_path: Path) -> Callable[..., Measured]:
    def add(data: bytes = DATA, digest: str | None = None) -> Measured:
        path = tmp_path / "file"
        path.write_bytes(data)
        with path.open("rb") as stream:
            return store.add(stream.fileno(), digest)

    return add


def unfinished(store: ContentStore) -> list[str]:
    return [path.name for path in (store.root / "unfinished").iterdir()]


def test_a_file_lies_under_its_digest_for_reading_only(
    store: ContentStore, add: Callable[..., Measured]
) -> None:
    assert add() == (DIGEST, len(DATA))
    path = store.root / "sha256" / DIGEST[:2] / DIGEST[2:4] / DIGEST
    assert path == store.path(DIGEST)
    assert path.read_bytes() == DATA
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700
    assert unfinished(store) == []
    with store.open(DIGEST) as stream:
        assert stream.read() == DATA


def test_the_same_content_again_is_not_written_again(
    store: ContentStore, add: Callable[..., Measured]
) -> None:
    add()
    before = store.path(DIGEST).stat()
    assert add() == (DIGEST, len(DATA))
    assert add(digest=DIGEST) == (DIGEST, len(DATA))
    after = store.path(DIGEST).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_an_empty_file_is_kept(
    store: ContentStore, add: Callable[..., Measured]
) -> None:
    found = add(b"")
    assert found == (sha256(b""), 0)
    with store.open(found.sha256) as stream:
        assert stream.read() == b""


def test_another_content_than_stated_is_refused(
    store: ContentStore, add: Callable[..., Measured]
) -> None:
    with pytest.raises(
        CapsuleError, match=f"has sha256:{DIGEST}, not sha256:{'0' * 64}"
    ):
        add(digest="0" * 64)
    assert list(store.root.glob("sha256/*/*/*")) == []
    assert unfinished(store) == []


def test_what_was_damaged_is_mended_when_it_comes_again(
    store: ContentStore, add: Callable[..., Measured]
) -> None:
    add()
    path = store.path(DIGEST)
    path.chmod(0o644)
    path.write_bytes(b"x")
    assert [where for where, _ in store.faults()] == [str(path)]
    add()
    assert list(store.faults()) == []


def test_faults_are_named(store: ContentStore, add: Callable[..., Measured]) -> None:
    add()
    path = store.path(DIGEST)
    path.chmod(0o644)
    path.write_bytes(DATA[:-1] + b"x")
    (path.parent / "letter.txt").write_text("")
    linked = store.path("0" * 64)
    linked.parent.mkdir(parents=True)
    linked.symlink_to("/etc/passwd")
    found = dict(store.faults())
    assert "holds bytes of sha256:" in found[str(path)]
    assert found[str(path.parent / "letter.txt")] == "does not belong into the store"
    assert "cannot be opened" in found[str(linked)]


def test_a_content_that_is_not_there_is_told(store: ContentStore) -> None:
    with pytest.raises(CapsuleError, match=f"sha256:{DIGEST} is not in the store"):
        store.open(DIGEST)
    assert not store.holds(DIGEST)
    assert not store.root.exists()


@pytest.mark.parametrize("text", ["", "../../etc/passwd", "A" * 64, DIGEST + "\n"])
def test_what_is_no_digest_names_no_file(store: ContentStore, text: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256 digest"):
        store.path(text)


def test_many_may_add_the_same_at_once(store: ContentStore, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)

    def add(_: int) -> Measured:
        with path.open("rb") as stream:
            return ContentStore(store.root).add(stream.fileno())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(24))) == {(DIGEST, len(DATA))}
    assert [p.name for p in store.root.glob("sha256/*/*/*")] == [DIGEST]
    assert unfinished(store) == []
    assert list(store.faults()) == []


def test_a_file_that_grows_meanwhile_is_refused(
    store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    plain = content._write

    def slow(fd: int, block: bytes) -> None:
        with path.open("ab") as more:
            more.write(b"x")
        plain(fd, block)

    monkeypatch.setattr(content, "_write", slow)
    with path.open("rb") as stream, pytest.raises(ChangedError):
        store.add(stream.fileno())
    assert list(store.root.glob("sha256/*/*/*")) == []
    assert unfinished(store) == []


def test_what_was_left_unfinished_long_ago_is_swept_away(
    store: ContentStore, add: Callable[..., Measured]
) -> None:
    add()
    old, young = (store.root / "unfinished" / name for name in ("old", "young"))
    old.write_text("")
    young.write_text("")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    add(b"more")
    assert unfinished(store) == ["young"]


FILL = """
import resource, sys
from pathlib import Path
from reverify.capsules.content import ContentStore
from reverify.errors import CapsuleError
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
with open(sys.argv[2], "rb") as stream:
    try:
        ContentStore(Path(sys.argv[1])).add(stream.fileno())
    except CapsuleError as error:
        print(error)
"""


def test_a_full_disk_is_told(store: ContentStore, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    answer = subprocess.run(
        [sys.executable, "-c", FILL, store.root, path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        f"{store.root}: cannot be written (File too large); make room" in answer.stdout
    )
    assert unfinished(store) == []
    assert list(store.root.glob("sha256/*/*/*")) == []


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    (tmp_path / "file").write_text("a")
    with (
        (tmp_path / "file").open("rb") as stream,
        pytest.raises(CapsuleError, match="choose another folder with REVERIFY_STORE"),
    ):
        ContentStore(tmp_path / "store").add(stream.fileno())
