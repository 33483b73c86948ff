"""Where crates are found."""

import io
import os
import sys
from pathlib import Path

import fsspec
import pytest
from reverify.audits.finding import LIST, expect_roots, find_crates, root_of
from reverify.errors import UsageError

from tests.builders import METADATA, write


def found(*roots: str | Path) -> list[str]:
    return list(find_crates(map(str, roots), lambda *_: None))


def test_crates_are_found_in_order_and_not_inside_each_other(tmp_path: Path) -> None:
    for name in ("b", "a/inner", "a/inner/nested"):
        write(tmp_path / name, {METADATA: b"{}"})
    write(tmp_path / "c", {"bagit.txt": b"", "x.zip": b"", "deep/y.tar.gz": b""})
    write(tmp_path, {"z.zip": b"", "readme.txt": b""})
    (tmp_path / "link").symlink_to(tmp_path / "b")
    found = [
        Path(f).relative_to(tmp_path).as_posix()
        for f in find_crates([tmp_path.as_posix()], lambda *_: None)
    ]
    assert found == ["z.zip", "a/inner", "b", "c"]
    with pytest.raises(UsageError, match="there is nothing"):
        expect_roots([str(tmp_path / "nowhere")])


def test_objects_of_ocfl_are_crates_to_look_at(tmp_path: Path) -> None:
    write(tmp_path / "root" / "ab" / "object", {"0=ocfl_object_1.1": b""})
    assert found(tmp_path) == [str(tmp_path / "root" / "ab" / "object")]


def test_a_list_names_crates_line_by_line(tmp_path: Path) -> None:
    listed = tmp_path / "crates.txt"
    listed.write_bytes(b"# ours\n\n/srv/a.zip\ns3://bucket/b\n  /srv/c d  \n")
    assert found(f"{LIST}{listed}") == ["/srv/a.zip", "s3://bucket/b", "/srv/c d"]


def test_a_list_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"/srv/a.zip\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert found(f"{LIST}-") == ["/srv/a.zip"]


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        found(f"{LIST}{tmp_path}/none")


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    write(folder, {METADATA: b"{}"})
    assert found(tmp_path) == [str(folder)]


def test_crates_below_a_prefix_of_a_storage_are_found() -> None:
    fs = fsspec.filesystem("memory")
    for path in ("one/ro-crate-metadata.json", "one/a.csv", "deep/two.zip", "x.txt"):
        fs.pipe(f"/audited/{path}", b"{}")
    try:
        assert sorted(found("memory://audited")) == [
            "memory:///audited/deep/two.zip",
            "memory:///audited/one",
        ]
    finally:
        fs.rm("/audited", recursive=True)


@pytest.mark.skipif(os.getuid() == 0, reason="root lists every folder")
def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    write(tmp_path / "open", {METADATA: b"{}"})
    faults: dict[str, str] = {}
    places = list(find_crates([str(tmp_path)], faults.__setitem__))
    assert places == [str(tmp_path / "open")]
    assert faults == {str(tmp_path / "closed"): "cannot be listed (Permission denied)"}


def test_a_root_is_the_same_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert root_of("crates") == str(tmp_path / "crates")
    assert root_of("s3://bucket/crates") == "s3://bucket/crates"
