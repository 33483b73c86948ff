"""The whole program on tar archives with lies in them, and on legal odd ones."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import (
    METADATA,
    crate_files,
    document,
    encode,
    gzip_of_zeros,
    tar_bytes,
    tar_header,
    tar_member,
    zeros,
)
from tests.hostile.harness import Room

GOOD, VICTIM = b"good", b"the victim of a lie"
FILES = {"good.txt": GOOD, "victim.txt": VICTIM}
BOTH = crate_files(FILES)
WITHOUT = {name: data for name, data in BOTH.items() if name != "victim.txt"}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
}


def confirmed(run_findings: list[dict[str, object]]) -> set[object]:
    return {
        finding["subject"]
        for finding in run_findings
        if finding["rule"] == "fixity/digest-match"
    }


# -- kinds and names ---------------------------------------------------------------

KINDS = {
    "symbolic link": (tarfile.SYMTYPE, "completeness/symlink"),
    "hard link": (tarfile.LNKTYPE, "completeness/symlink"),
    "character device": (tarfile.CHRTYPE, "completeness/special-file"),
    "block device": (tarfile.BLKTYPE, "completeness/special-file"),
    "pipe": (tarfile.FIFOTYPE, "completeness/special-file"),
}


@pytest.mark.parametrize("packer", ["tar", "tar.gz"])
@pytest.mark.parametrize(("type", "rule"), KINDS.values(), ids=KINDS)
def test_a_member_that_is_no_regular_file_is_refuted(
    room: Room, tmp_path: Path, type: bytes, rule: str, packer: str
) -> None:
    archive = tmp_path / "x"
    member = tar_member("victim.txt", type, "/etc/passwd")
    archive.write_bytes(PACKERS[packer](tar_bytes(WITHOUT, member)))
    run = room.check(archive)
    assert run.code == 1
    assert rule in run.rules("refuted")
    assert confirmed(run.findings) == {"good.txt"}


def sparse_header(extended: bytes) -> bytes:
    """An old GNU sparse member; `extended` says that more of the map follows."""
    block = bytearray(tar_header("victim.txt", 0, tarfile.GNUTYPE_SPARSE))
    block[482:483] = extended
    block[483:495] = b"00000001000\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def test_a_sparse_member_is_refuted(room: Room, tmp_path: Path) -> None:
    whole = tar_bytes(WITHOUT)
    archive = tmp_path / "x.tar"
    archive.write_bytes(sparse_header(b"\0") + whole)
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/special-file" in run.rules("refuted")
    assert confirmed(run.findings) == {"good.txt"}


NAMES = ["../victim.txt", "a/../../victim.txt", "/etc/victim.txt", "..", "a\\..\\..\\b"]


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("name", [*NAMES, "v" * 300, "/".join(["v" * 200] * 25)])
def test_a_member_whose_name_leads_out_is_refused(
    room: Room, tmp_path: Path, name: str, format: int
) -> None:
    archive = tmp_path / "x.tar"
    files = crate_files({"good.txt": GOOD})
    archive.write_bytes(tar_bytes(files | {name: VICTIM}, format=format))
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/path-unsafe" in run.rules("refuted")
    assert confirmed(run.findings) == {"good.txt"}


def test_a_pax_name_that_holds_a_nul_is_refused(room: Room, tmp_path: Path) -> None:
    info = tarfile.TarInfo("victim.txt")
    info.pax_headers = {"path": "victim.txt\0.exe"}
    archive = tmp_path / "x.tar"
    archive.write_bytes(tar_bytes(crate_files({"good.txt": GOOD}), info))
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/path-unsafe" in run.rules("refuted")


def test_of_a_name_that_is_there_twice_the_first_counts(
    room: Room, tmp_path: Path
) -> None:
    second = tarfile.TarInfo("./victim.txt")
    second.size = 5
    archive = tmp_path / "x.tar"
    archive.write_bytes(tar_bytes(BOTH, (second, b"other")))
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/archive-duplicate-member" in run.rules("refuted")
    assert confirmed(run.findings) == {"good.txt", "victim.txt"}


# -- damage ------------------------------------------------------------------------


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("kept", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_an_archive_that_is_cut_short_is_refuted(
    room: Room, tmp_path: Path, packer: str, kept: float
) -> None:
    noise = bytes(n * n % 251 for n in range(40_000))
    whole = PACKERS[packer](tar_bytes(crate_files({"a.bin": noise, "b.txt": noise})))
    archive = tmp_path / "x"
    archive.write_bytes(whole[: int(len(whole) * kept)])
    assert room.check(archive).code == 1


def test_a_member_that_is_cut_short_spoils_no_other(room: Room, tmp_path: Path) -> None:
    noise = bytes(n * n % 251 for n in range(40_000))
    whole = tar_bytes(crate_files({"good.txt": GOOD, "last.bin": noise}))
    archive = tmp_path / "x.tar"
    archive.write_bytes(whole[:20_000])
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/archive-broken" in run.rules("refuted")
    assert confirmed(run.findings) == {"good.txt"}


def test_a_damaged_header_is_not_the_end_of_the_archive(
    room: Room, tmp_path: Path
) -> None:
    whole = bytearray(tar_bytes(BOTH))
    at = whole.index(b"victim.txt\0")
    whole[at + 130] ^= 0xFF
    archive = tmp_path / "x.tar"
    archive.write_bytes(whole)
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/archive-broken" in run.rules("refuted")


@pytest.mark.parametrize("size", [-1, -512, -1024, -(1 << 40)])
def test_a_negative_size_ends_the_reading(
    room: Room, tmp_path: Path, size: int
) -> None:
    archive = tmp_path / "x.tar"
    archive.write_bytes(tar_header("victim.txt", size) + tar_bytes(BOTH))
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/archive-broken" in run.rules("refuted")


@pytest.mark.parametrize("packer", ["tar", "tar.gz"])
@pytest.mark.parametrize("size", [1 << 33, 1 << 62, 1 << 80])
def test_a_size_beyond_the_end_is_found_at_once(
    room: Room, tmp_path: Path, packer: str, size: int
) -> None:
    archive = tmp_path / "x.tar"
    whole = tar_bytes(WITHOUT, end=False) + tar_header("victim.txt", size) + VICTIM
    archive.write_bytes(PACKERS[packer](whole))
    run = room.check(archive, seconds=5)
    assert run.code in {1, 3}
    assert confirmed(run.findings) <= {"good.txt"}


@pytest.mark.parametrize("type", [tarfile.XHDTYPE, tarfile.XGLTYPE, b"L", b"K"])
def test_thousands_of_extensions_in_a_row_do_not_recurse(
    room: Room, tmp_path: Path, type: bytes
) -> None:
    record = b"13 comment=x\n".ljust(512, b"\0")
    one = tar_header("x", 13 if type in {b"x", b"g"} else 5, type) + record
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(gzip.compress(one * 5000 + tar_bytes(BOTH)))
    assert room.check(archive).code in {1, 3}


def test_every_byte_may_be_wrong(tmp_path: Path) -> None:
    """Whatever one byte is changed, the answer is a judgement and never an error."""
    from reverify import verify  # noqa: PLC0415 - thousands of runs in one process

    whole = tar_bytes(BOTH)
    archive = tmp_path / "x.tar"
    for at in range(0, len(whole) - 9000, 7):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        archive.write_bytes(broken)
        verify(str(archive), offline=True, skip=("conformance",))


@pytest.mark.parametrize("packer", ["tar.gz", "tar.bz2", "tar.xz"])
def test_every_packed_byte_may_be_wrong(tmp_path: Path, packer: str) -> None:
    from reverify import verify  # noqa: PLC0415 - thousands of runs in one process

    whole = PACKERS[packer](tar_bytes(BOTH))
    archive = tmp_path / "x.tar"
    for at in range(0, len(whole), 5):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        archive.write_bytes(broken)
        verify(str(archive), offline=True, skip=("conformance",))


# -- bombs -------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.slow
def test_two_gib_of_zeros_in_two_mb_take_little_memory(
    room: Room, tmp_path: Path
) -> None:
    archive = tmp_path / "x.tar.gz"
    head = tar_bytes(WITHOUT, end=False) + tar_header("victim.txt", 2 << 30)
    with archive.open("wb") as target:
        gzip_of_zeros(target, (2 << 30) + 10240, head=head)
    run = room.check(archive, seconds=240)
    assert run.code in {1, 3}
    assert confirmed(run.findings) <= {"good.txt"}


def test_a_bomb_that_passes_the_budget_is_undetermined(
    room: Room, tmp_path: Path
) -> None:
    archive = tmp_path / "x.tar.gz"
    head = tar_bytes(BOTH, end=False) + tar_header("more.bin", 1 << 28)
    with archive.open("wb") as target:
        gzip_of_zeros(target, (1 << 28) + 10240, head=head)
    run = room.check(archive, "--max-bytes", "10MB", rss=100 << 20)
    assert run.code == 3
    assert "completeness/limit-reached" in run.rules("undetermined")


def test_what_lies_behind_a_limit_is_not_called_missing(
    room: Room, tmp_path: Path
) -> None:
    """A limit is undetermined: it must never turn into a refusal either."""
    archive = tmp_path / "x.tar.gz"
    head = tar_bytes(WITHOUT, end=False) + tar_header("more.bin", 1 << 28)
    tail = tar_bytes({"victim.txt": VICTIM})
    with gzip.open(archive, "wb", 1) as target:
        target.write(head)
        for block in zeros(1 << 28):
            target.write(block)
        target.write(tail)
    run = room.check(archive, "--max-bytes", "10MB")
    assert run.code == 3
    assert not run.rules("refuted") - {"fixity/uncovered"}


@pytest.mark.parametrize("type", [b"x", b"g", b"L", b"K"])
def test_a_header_extension_of_many_gib_is_not_held(
    room: Room, tmp_path: Path, type: bytes
) -> None:
    archive = tmp_path / "x.tar.gz"
    with archive.open("wb") as target:
        gzip_of_zeros(target, 1 << 28, head=tar_header("x", 1 << 32, type))
    run = room.check(archive, rss=100 << 20)
    assert run.code in {1, 3}


def test_an_endless_sparse_map_is_not_held(room: Room, tmp_path: Path) -> None:
    entry = b"00000000010\0" * 2
    block = (entry * 21 + b"\1").ljust(512, b"\0")
    archive = tmp_path / "x.tar.gz"
    with gzip.open(archive, "wb", 1) as target:
        target.write(sparse_header(b"\1"))
        for _ in range(300):
            target.write(block * 2048)
    assert room.check(archive, rss=100 << 20).code in {1, 3}


def test_an_endless_pax_sparse_map_is_not_held(room: Room, tmp_path: Path) -> None:
    info = tarfile.TarInfo("victim.txt")
    info.size = 1 << 30
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "victim.txt",
        "GNU.sparse.realsize": "1",
    }
    archive = tmp_path / "x.tar.gz"
    with gzip.open(archive, "wb", 1) as target:
        target.write(info.tobuf(tarfile.PAX_FORMAT))
        target.write(b"999999999\n")
        for _ in range(300):
            target.write(b"0\n" * (1 << 19))
    assert room.check(archive, rss=100 << 20).code in {1, 3}


def test_digits_without_end_do_not_keep_a_regex_busy(
    room: Room, tmp_path: Path
) -> None:
    """CVE-2024-6232: the library's own reading of headers is quadratic in them."""
    size = 1 << 20
    archive = tmp_path / "x.tar.gz"
    record = tar_header("x", size, tarfile.XHDTYPE) + b"1" * size
    archive.write_bytes(gzip.compress(record + tar_bytes(BOTH)))
    assert room.check(archive, seconds=5).code in {1, 3}


@pytest.mark.parametrize("packer", ["tar.bz2", "tar.xz"])
def test_a_ratio_that_no_honest_archive_has_is_undetermined(
    room: Room, tmp_path: Path, packer: str
) -> None:
    whole = tar_bytes(BOTH, end=False) + tar_header("more.bin", 1 << 26)
    archive = tmp_path / "x"
    archive.write_bytes(PACKERS[packer](whole + bytes(1 << 26)))
    run = room.check(archive)
    assert run.code == 3
    assert "completeness/limit-reached" in run.rules("undetermined")


@pytest.mark.slow
def test_many_long_names_are_not_held(room: Room, tmp_path: Path) -> None:
    archive = tmp_path / "x.tar.gz"
    with tarfile.open(archive, "w:gz", format=tarfile.GNU_FORMAT) as target:
        for n in range(10_000):
            name = f"{n:05}/" + "/".join(["a" * 15] * 250)
            target.addfile(tarfile.TarInfo(name))
    run = room.check(archive)
    assert run.code == 3


@pytest.mark.slow
def test_many_small_text_files_take_linear_time(room: Room, tmp_path: Path) -> None:
    files = {f"{n:05}.txt": b"text" for n in range(30_000)}
    archive = tmp_path / "x.tar"
    archive.write_bytes(tar_bytes(BOTH | files))
    assert room.check(archive).code == 0


def test_many_files_of_the_size_of_a_pointer_are_read_in_one_pass(
    room: Room, tmp_path: Path
) -> None:
    files = {f"{n:05}.bin": b"0" * 200 for n in range(3000)}
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(gzip.compress(tar_bytes(crate_files(files)), 1))
    assert room.check(archive, seconds=10).code == 0


# -- legal -------------------------------------------------------------------------


def renamed(prefix: str) -> dict[str, bytes]:
    return {prefix + name: data for name, data in BOTH.items()}


LONG = {("long/" * 40) + "name" * 30: b"long"}
FOLDERS = [tar_member("folder", tarfile.DIRTYPE), tar_member("a/b/c/", tarfile.DIRTYPE)]
LEGAL = {
    "pax": tar_bytes(BOTH),
    "ustar": tar_bytes(BOTH, format=tarfile.USTAR_FORMAT),
    "GNU": tar_bytes(BOTH, format=tarfile.GNU_FORMAT),
    "long GNU names": tar_bytes(crate_files(LONG), format=tarfile.GNU_FORMAT),
    "long pax names": tar_bytes(crate_files(LONG)),
    "names in pax records": tar_bytes(crate_files({"größe ☂.txt": b"x"})),
    "./ in front": tar_bytes(renamed("./"), tar_member(".", tarfile.DIRTYPE)),
    "one top folder": tar_bytes(renamed("top/")),
    "folders": tar_bytes(BOTH, *FOLDERS),
    "a folder twice": tar_bytes(BOTH, *FOLDERS, *FOLDERS),
    "no end mark": tar_bytes(BOTH, end=False),
    "a global header": tarfile.TarInfo.create_pax_global_header({"comment": "x"})
    + tar_bytes(BOTH),
}


@pytest.mark.parametrize("archive", LEGAL.values(), ids=LEGAL)
def test_an_odd_archive_that_is_legal_is_confirmed(
    room: Room, tmp_path: Path, archive: bytes
) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(archive)
    run = room.check(file)
    assert run.code == 0, run.troubles
    assert run.report["subject"]["format"] == "tar"


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".zip", ".json.gz", ""])
@pytest.mark.parametrize("packer", PACKERS)
def test_the_magic_counts_and_not_the_suffix(
    room: Room, tmp_path: Path, packer: str, suffix: str
) -> None:
    file = tmp_path / f"x{suffix}"
    file.write_bytes(PACKERS[packer](tar_bytes(BOTH)))
    assert room.check(file).code == 0


def test_two_gzip_members_are_one_archive(room: Room, tmp_path: Path) -> None:
    whole = tar_bytes(BOTH)
    file = tmp_path / "x.tar.gz"
    file.write_bytes(gzip.compress(whole[:1000]) + gzip.compress(whole[1000:]))
    assert room.check(file).code == 0


def test_a_document_in_the_last_member_is_found(room: Room, tmp_path: Path) -> None:
    files = {**FILES, METADATA: encode(document(FILES))}
    target = io.BytesIO(tar_bytes(files))
    file = tmp_path / "x.tar.gz"
    file.write_bytes(gzip.compress(target.getvalue()))
    assert room.check(file).code == 0
