import io
import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from reverify.compare import Bounds, compare_directories
from reverify.crates.directory import DirectoryPayload
from reverify.crates.limits import Budget, Limits
from reverify.model.comparison import Answer, Comparison, Method, Rule

from tests.compare.files import answered, compared, gzipped, tarred, zipped

SAME, OTHER = Answer.EQUAL, Answer.DIFFERENT
UNKNOWN = Answer.NOT_COMPARABLE
Pack = Callable[[dict[str, bytes]], bytes]
CSV = {"a.csv": b"x,y\n1,2.5\n", "b.txt": b"hello\n"}
MOVED = {"b.txt": b"hello\n", "a.csv": b"x,y\n1,2.500000000001\n"}


def test_packing_and_order_of_members_do_not_count() -> None:
    found = compared(zipped(CSV), zipped(dict(reversed(CSV.items())), 1), "x.zip")
    assert (found.answer, found.compared, found.parts) == (SAME, 2, ())
    one, other = tarred(CSV, "w:gz"), tarred(CSV, "w:xz", mtime=5)
    assert answered(one, other, "x.tar.gz") is SAME
    assert answered(tarred(CSV), zipped(CSV), "x.tar") is SAME


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members_are_compared_by_their_own_type(pack: Pack) -> None:
    one, other = pack(CSV), pack(MOVED)
    found = compared(one, other, "x.zip")
    assert (found.answer, found.differing, found.compared) == (OTHER, 1, 2)
    assert found.parts[0].method is Method.TABLE
    assert found.parts[0].differences[0].where == "row 1 'y'"
    assert answered(one, other, "x.zip", rtol=1e-9) is SAME


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_missing_and_extra_members_are_told(pack: Pack) -> None:
    found = compared(
        pack({"a": b"1", "b": b"2"}), pack({"b": b"2", "c": b"3"}), "x.zip"
    )
    assert [(part.name, part.answer) for part in found.parts] == [
        ("x.zip/a", Answer.MISSING),
        ("x.zip/c", Answer.EXTRA),
    ]
    assert found.answer is OTHER


def test_archives_in_archives_are_opened_up_to_a_depth() -> None:
    one, other = zipped(CSV), zipped(dict(reversed(CSV.items())))
    for _ in range(3):
        one, other = zipped({"in.zip": one}), zipped({"in.zip": other})
    assert answered(one, other, "x.zip") is SAME
    one, other = zipped({"in.zip": one}), zipped({"in.zip": other})
    found = compared(one, other, "x.zip")
    assert found.answer is UNKNOWN
    assert "not comparable" in found.reason


def test_packed_files_are_compared_by_what_is_in_them() -> None:
    one, other = gzipped(CSV["a.csv"]), gzipped(MOVED["a.csv"])
    found = compared(one, other, "a.csv.gz", rtol=1e-9)
    assert (found.answer, found.method, found.name) == (SAME, Method.TABLE, "a.csv.gz")
    assert answered(one, gzipped(CSV["a.csv"], 1), "a.csv.gz") is SAME
    assert answered(one, other, "a.csv.gz") is OTHER
    assert answered(one, gzipped(CSV["a.csv"], 1), "a", method="bytes") is OTHER


def test_members_that_are_links_are_not_followed() -> None:
    def linked(target: str) -> bytes:
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as out:
            header = tarfile.TarInfo("link")
            header.type, header.linkname = tarfile.SYMTYPE, target
            out.addfile(header)
        return made.getvalue()

    found = compared(linked("/etc/passwd"), linked("/etc/hosts"), "x.tar")
    assert found.answer is UNKNOWN
    assert "not followed" in found.parts[0].reason


def test_differences_are_kept_rather_than_what_is_equal() -> None:
    one = {f"{n:02}.csv": b"a\n1.0\n" for n in range(30)}
    other = dict.fromkeys(one, b"a\n1\n") | {"29.csv": b"a\n2\n"}
    found = compared(zipped(one), zipped(other), "x.zip", Bounds(shown=3))
    assert len(found.parts) == 3
    assert [part.answer for part in found.parts] == [SAME, SAME, OTHER]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_damaged_archive_is_no_crash(pack: Pack) -> None:
    whole = pack({"a": os.urandom(3000), "b": os.urandom(3000)})
    for cut in (len(whole) // 2, 700, 10, 0):
        found = compared(whole, whole[:cut], "x.zip")
        assert found.answer in {OTHER, UNKNOWN}
    middle = len(whole) // 3
    broken = whole[:middle] + b"\0" * 100 + whole[middle + 100 :]
    assert compared(whole, broken, "x.zip").answer in {OTHER, UNKNOWN}


# -- directories -------------------------------------------------------------------


def folders(tmp_path: Path, one: dict[str, bytes], other: dict[str, bytes]) -> None:
    for side, files in (("one", one), ("other", other)):
        for name, content in files.items():
            path = tmp_path / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def trees(tmp_path: Path, limits: Limits | None = None, **rules: Rule) -> Comparison:
    sides = [
        DirectoryPayload(tmp_path / side, Budget(limits or Limits()))
        for side in ("one", "other")
    ]
    try:
        named = {name.replace("__", "."): rule for name, rule in rules.items()}
        return compare_directories(sides[0], sides[1], named)
    finally:
        for side in sides:
            side.close()


def test_directories_are_identical_if_all_files_are(tmp_path: Path) -> None:
    folders(tmp_path, {"a": b"1", "d/b": b"2"}, {"a": b"1", "d/b": b"2"})
    found = trees(tmp_path)
    assert (found.answer, found.compared) == (Answer.IDENTICAL, 2)


def test_files_of_directories_have_rules_of_their_own(tmp_path: Path) -> None:
    folders(tmp_path, CSV | {"log": b"1"}, MOVED | {"log": b"2"})
    assert trees(tmp_path).answer is OTHER
    ignored = Rule(method=Method.IGNORE)
    found = trees(tmp_path, a__csv=Rule(rtol=1e-9), log=ignored)
    assert (found.answer, found.within) == (SAME, 1)
    assert found.describe() == ": equal as directory: 1 of 3 members differs"


def test_missing_and_extra_files_of_directories_are_told(tmp_path: Path) -> None:
    folders(tmp_path, {"a": b"1", "b": b"1"}, {"b": b"1", "d/c": b"1"})
    found = trees(tmp_path)
    assert [(part.name, part.answer) for part in found.parts] == [
        ("a", Answer.MISSING),
        ("d/c", Answer.EXTRA),
    ]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    folders(tmp_path, {"a": b"1"}, {"a/b": b"1"})
    found = trees(tmp_path)
    assert found.parts[0].reason == "a file expected, a directory found"


def test_links_and_special_files_are_not_comparable(tmp_path: Path) -> None:
    folders(tmp_path, {"a": b"1"}, {"a": b"1"})
    (tmp_path / "one" / "link").symlink_to("/etc/passwd")
    (tmp_path / "other" / "link").symlink_to("/etc/passwd")
    (tmp_path / "one" / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "other" / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "one" / "s"))
        found = trees(tmp_path)
    assert found.answer is UNKNOWN
    assert {part.name: part.answer for part in found.parts} == dict.fromkeys(
        ("link", "loop", "pipe", "s"), UNKNOWN
    )


def test_what_a_limit_hides_is_not_comparable(tmp_path: Path) -> None:
    folders(tmp_path, {"d/e/f/a": b"1"}, {"d/e/f/a": b"2"})
    found = trees(tmp_path, Limits(depth=2))
    assert found.answer is UNKNOWN
    assert "2 folders deep" in found.reason
