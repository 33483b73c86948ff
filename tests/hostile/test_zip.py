"""The whole program on zip archives with lies in them, and on odd ones that are legal.

The lie is told of `victim.txt`; `good.txt` lies beside it and must still be checked.
"""

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.builders import (
    METADATA,
    Member,
    crate_files,
    deflate,
    document,
    encode,
    file_entity,
    zip_bytes,
    zip_of,
)
from tests.hostile.harness import Room

GOOD, VICTIM = b"good", b"the victim of a lie"
FILES = {"good.txt": GOOD, "victim.txt": VICTIM}


def told(*members: Member, described: bool = True) -> bytes:
    """A crate whose `victim.txt` is described truly, and packed as given."""
    files = FILES if described else {"good.txt": GOOD}
    metadata = Member(METADATA, encode(document(files)), 8)
    return zip_bytes([metadata, Member("good.txt", GOOD), *members])


def lzma_packed(data: bytes, dictionary: int | None = None) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}]
    packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)
    properties = b"\x5d" + (dictionary or 1 << 16).to_bytes(4, "little")
    return b"\x09\x14\x05\x00" + properties + packer.compress(data) + packer.flush()


NAMES = {
    "climbs": b"../victim.txt",
    "climbs inside": b"a/../../victim.txt",
    "is absolute": b"/etc/victim.txt",
    "is absolute twice": b"//etc/victim.txt",
    "has a drive": b"C:\\victim.txt",
    "has a drive and slashes": b"C:/victim.txt",
    "climbs on Windows": b"..\\victim.txt",
    "climbs inside on Windows": b"a\\..\\..\\victim.txt",
    "is a share on Windows": b"\\\\host\\victim.txt",
    "holds a NUL": b"victim.txt\0.exe",
    "is only dots": b"..",
    "is too long a part": b"v" * 256,
    "is too long a path": b"/".join([b"v" * 200] * 25),
    "has an empty part on Windows": b"\\victim.txt",
    "has a dot in the middle": b"a/./victim.txt",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_member_whose_name_leads_out_is_refused(
    room: Room, tmp_path: Path, name: bytes
) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(Member(name, VICTIM), described=False))
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/path-unsafe" in run.rules("refuted")
    assert "good.txt" in {
        finding["subject"]
        for finding in run.findings
        if finding["rule"] == "fixity/digest-match"
    }


LIES = {
    "is encrypted": Member("victim.txt", VICTIM, flags=1),
    "has an unknown method": Member("victim.txt", VICTIM, method=97),
    "has another name in its local header": Member(
        "victim.txt", VICTIM, local_name=b"other.txt!"
    ),
    "has another size in its local header": Member(
        "victim.txt", VICTIM, local_size=9999
    ),
    "has another method in its local header": Member(
        "victim.txt", VICTIM, local_method=8
    ),
    "has no local header": Member("victim.txt", VICTIM, local=False, at=5),
    "begins beyond the end": Member("victim.txt", VICTIM, at=10**9),
    "begins in the central directory": Member(
        "victim.txt", VICTIM, packed_size=10**6, local_size=len(VICTIM)
    ),
    "reaches into the central directory": Member(
        "victim.txt", VICTIM, size=len(VICTIM) + 30, packed_size=len(VICTIM) + 30
    ),
    "shares the bytes of another": Member("victim.txt", VICTIM, at=0),
}


@pytest.mark.parametrize("member", LIES.values(), ids=LIES)
def test_a_member_whose_headers_lie_is_refuted(
    room: Room, tmp_path: Path, member: Member
) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(member))
    run = room.check(archive)
    assert run.code == 1
    assert {"completeness/archive-member", "completeness/file-missing"} & run.rules(
        "refuted"
    ) or run.rules("undetermined")
    assert any(
        finding["subject"] == "good.txt" and finding["rule"] == "fixity/digest-match"
        for finding in run.findings
    ) or "shares" in str(run.report)


CONTENTS = {
    "has another CRC": Member("victim.txt", VICTIM, crc=1),
    "holds more than it claims": Member("victim.txt", VICTIM * 9, method=8, size=19),
    "holds less than it claims": Member("victim.txt", VICTIM, method=8, size=500),
    "is no deflate": Member("victim.txt", VICTIM, method=8, packed=b"\xff" * 40),
    "is cut short": Member("victim.txt", VICTIM, 8, packed=deflate(VICTIM)[:-4]),
    "is no bzip2": Member("victim.txt", VICTIM, method=12, packed=b"\xff" * 40),
    "is no LZMA": Member("victim.txt", VICTIM, method=14, packed=b"\xff" * 40),
    "has half an LZMA header": Member("victim.txt", VICTIM, 14, packed=b"\x09\x14"),
    "has senseless LZMA properties": Member(
        "victim.txt", VICTIM, 14, packed=b"\x09\x14\x05\x00\x2c\0\0\1\0" + b"x" * 30
    ),
    "asks for a huge dictionary": Member(
        "victim.txt", VICTIM, 14, packed=lzma_packed(VICTIM, 0xFFFFFFFF)
    ),
    "is empty where something is claimed": Member("victim.txt", VICTIM, 8, packed=b""),
}


@pytest.mark.parametrize("member", CONTENTS.values(), ids=CONTENTS)
def test_a_member_that_does_not_unpack_is_never_confirmed(
    room: Room, tmp_path: Path, member: Member
) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(member))
    run = room.check(archive)
    assert run.code in {1, 3}
    outcomes = {
        finding["subject"]: finding["outcome"]
        for finding in run.findings
        if (finding["expected"] or "").startswith("sha256:")
    }
    assert outcomes == {"good.txt": "confirmed", "victim.txt": "undetermined"}


KINDS = {
    "link": (0o120777, "completeness/symlink"),
    "pipe": (0o010644, "completeness/special-file"),
    "device": (0o020644, "completeness/special-file"),
    "block device": (0o060644, "completeness/special-file"),
    "socket": (0o140644, "completeness/special-file"),
}


@pytest.mark.parametrize(("mode", "rule"), KINDS.values(), ids=KINDS)
def test_a_member_that_is_no_regular_file_is_refuted(
    room: Room, tmp_path: Path, mode: int, rule: str
) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(Member("victim.txt", b"/etc/passwd", mode=mode)))
    run = room.check(archive)
    assert run.code == 1
    assert rule in run.rules("refuted")


TWINS = {
    "a file twice": [Member("victim.txt", VICTIM), Member("victim.txt", b"other")],
    "a file twice, once as ./": [
        Member("victim.txt", VICTIM),
        Member("./victim.txt", b"other"),
    ],
    "a file and a folder": [Member("victim.txt", VICTIM), Member("victim.txt/")],
    "a file and what lies below it": [
        Member("victim.txt", VICTIM),
        Member("victim.txt/below", b"x"),
    ],
    "a link and what lies below it": [
        Member("victim.txt", VICTIM),
        Member("link", b"/etc", mode=0o120777),
        Member("link/below", b"x"),
    ],
    "the document twice": [
        Member("victim.txt", VICTIM),
        Member(METADATA, encode(document({}))),
    ],
}


@pytest.mark.parametrize("members", TWINS.values(), ids=TWINS)
def test_a_name_that_is_there_twice_is_refuted(
    room: Room, tmp_path: Path, members: list[Member]
) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(*members))
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/archive-duplicate-member" in run.rules("refuted")


@pytest.mark.parametrize("kept", [1, 21, 30, 200, 400, -1, -10, -21])
def test_an_archive_that_is_cut_short_is_refuted(
    room: Room, tmp_path: Path, kept: int
) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(zip_of(crate_files(FILES))[:kept])
    assert room.check(archive).code == 1


def test_every_byte_may_be_wrong(tmp_path: Path) -> None:
    """Whatever one byte is changed, the answer is a judgement and never an error."""
    from reverify import verify  # noqa: PLC0415 - thousands of runs in one process

    whole = zip_of(crate_files(FILES))
    archive = tmp_path / "x.zip"
    for at in range(0, len(whole), 3):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        archive.write_bytes(broken)
        verify(str(archive), offline=True, skip=("conformance",))


# -- bombs -------------------------------------------------------------------------


def bomb(size: int) -> bytes:
    """Deflated zeros: a thousandth of their size."""
    block = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(block) for _ in range(size >> 20))
    return packed + packer.flush()


def test_a_bomb_behind_a_small_claim_is_stopped(room: Room, tmp_path: Path) -> None:
    member = Member("victim.txt", b"0123456789", 8, packed=bomb(1 << 29))
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(member))
    run = room.check(archive, rss=100 << 20)
    assert run.code in {1, 3}


def test_a_document_that_is_a_bomb_behind_a_small_claim_is_stopped(
    room: Room, tmp_path: Path
) -> None:
    member = Member(METADATA, b"0123456789", 8, packed=bomb(1 << 29))
    archive = tmp_path / "x.zip"
    archive.write_bytes(zip_bytes([member]))
    assert room.check(archive, rss=100 << 20).code in {1, 3}


def test_a_bomb_that_passes_the_budget_is_undetermined(
    room: Room, tmp_path: Path
) -> None:
    member = Member("victim.txt", VICTIM, 8, packed=bomb(1 << 28), size=1 << 28)
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(member))
    run = room.check(archive, "--max-bytes", "10MB", rss=100 << 20)
    assert run.code in {1, 3}
    assert "fixity/file-unread" in run.rules("undetermined")


def test_a_claimed_ratio_that_none_needs_is_undetermined(
    room: Room, tmp_path: Path
) -> None:
    packed = bz2.compress(bytes(1 << 28))
    member = Member("victim.txt", VICTIM, 12, packed=packed, size=1 << 28)
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(member))
    run = room.check(archive, rss=100 << 20)
    assert run.code == 3
    assert "completeness/limit-reached" in run.rules("undetermined")


@pytest.mark.parametrize("method", [12, 14])
def test_a_bzip2_or_lzma_bomb_behind_a_small_claim_is_stopped(
    room: Room, tmp_path: Path, method: int
) -> None:
    data = bytes(1 << 27)
    packed = bz2.compress(data) if method == 12 else lzma_packed(data)
    archive = tmp_path / "x.zip"
    archive.write_bytes(told(Member("victim.txt", VICTIM, method, packed=packed)))
    assert room.check(archive, rss=100 << 20).code in {1, 3}


def test_a_thousand_members_that_share_one_kernel_are_refused(
    room: Room, tmp_path: Path
) -> None:
    """Overlap: each member claims all the bytes behind its header."""
    kernel = deflate(bytes(1 << 20))
    members = [
        Member(f"{n:04}", packed=b"", method=8, size=1 << 20) for n in range(1000)
    ]
    each = 30 + 4
    for n, member in enumerate(members):
        member.packed_size = (999 - n) * each + len(kernel)
    members[-1].packed = kernel
    members[-1].data = bytes(1 << 20)
    archive = tmp_path / "x.zip"
    archive.write_bytes(
        zip_bytes([*members, Member(METADATA, encode(document({"0000": VICTIM})))])
    )
    run = room.check(archive)
    assert run.code == 1
    assert "completeness/archive-member" in run.rules("refuted")


def test_members_that_share_one_local_header_are_refused(
    room: Room, tmp_path: Path
) -> None:
    members = [Member("victim.txt", VICTIM)]
    members += [Member("victim.txt", VICTIM, local=False, at=0) for _ in range(3)]
    metadata = Member(METADATA, encode(document(FILES)))
    archive = tmp_path / "x.zip"
    archive.write_bytes(zip_bytes([*members, metadata]))
    assert room.check(archive).code == 1


def test_more_members_than_are_read_is_undetermined_within_bounded_memory(
    room: Room, tmp_path: Path
) -> None:
    target = bytearray()
    empty = Member("x").__dict__ | {"local": False, "at": 0}
    one = zip_bytes([Member(**empty)])[:-22]
    target += one * 400_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, len(target), 0, 0)
    archive = tmp_path / "x.zip"
    archive.write_bytes(b"PK\3\4" + target + end)
    run = room.check(archive, rss=80 << 20)
    assert run.code == 3
    assert run.rules() == {"completeness/limit-reached"}


def test_deep_names_do_not_multiply(room: Room, tmp_path: Path) -> None:
    """A name of 2,000 folders stands for 2,000 names, each as long."""
    members = [
        Member(f"{n:05}/" + "/".join("a" * 2000), b"", local_extra=b"")
        for n in range(500)
    ]
    archive = tmp_path / "x.zip"
    archive.write_bytes(zip_bytes([Member(METADATA, encode(document({}))), *members]))
    run = room.check(archive, rss=100 << 20)
    assert run.code == 3
    assert "completeness/limit-reached" in run.rules("undetermined")


# -- legal -------------------------------------------------------------------------


def streamed_zip64() -> bytes:
    """What zipfile writes to a stream it cannot seek in, with ZIP64 forced."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in crate_files(FILES).items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    return bytes(pipe.data)


def zip64_by_hand() -> bytes:
    """Sizes and offsets in extra fields, and a ZIP64 end of the directory."""
    out, central = bytearray(), bytearray()
    names = crate_files(FILES)
    for name, data in names.items():
        at, size = len(out), len(data)
        whole = zip_bytes([Member(name, data)])
        local = bytearray(whole[: 30 + len(name)] + data)
        local[18:26] = b"\xff" * 8
        local[28:30] = struct.pack("<H", 20)
        local[30 + len(name) : 30 + len(name)] = struct.pack("<2H2Q", 1, 16, size, size)
        out += local
        entry = bytearray(whole[30 + len(name) + size : -22])
        entry[20:28] = b"\xff" * 8
        entry[42:46] = b"\xff" * 4
        entry[30:32] = struct.pack("<H", 28)
        central += entry + struct.pack("<2H3Q", 1, 24, size, size, at)
    start, count = len(out), len(names)
    end = struct.pack(
        "<4sQ2H2L4Q",
        *(b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(central), start),
    )
    where = struct.pack("<4sLQL", b"PK\6\7", 0, start + len(central), 1)
    last = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0
    )
    return bytes(out + central + end + where + last)


def with_library(method: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in crate_files(FILES).items():
            archive.writestr(name, data)
    return target.getvalue()


def members_of(files: dict[str, bytes], prefix: str = "", **all_have: object) -> bytes:
    return zip_bytes(
        Member(prefix + name, data, **all_have)  # type: ignore[arg-type]
        for name, data in files.items()
    )


BOTH = crate_files(FILES)
LEGAL = {
    "stored": members_of(BOTH),
    "deflated": members_of(BOTH, method=8),
    "bzip2": with_library(zipfile.ZIP_BZIP2),
    "LZMA": with_library(zipfile.ZIP_LZMA),
    "LZMA without an end mark": zip_bytes(
        [
            *(Member(n, d) for n, d in BOTH.items() if n != "victim.txt"),
            Member("victim.txt", VICTIM, 14, packed=lzma_packed(VICTIM)),
        ]
    ),
    "data descriptors": members_of(BOTH, method=8, streamed=True),
    "ZIP64 in a stream": streamed_zip64(),
    "ZIP64 by hand": zip64_by_hand(),
    "month 0": members_of(BOTH, date=0),
    "no Unix mode": members_of(BOTH, mode=None),
    "member comments": members_of(BOTH, comment=b"a comment"),
    "an archive comment": zip_bytes(
        [Member(n, d) for n, d in BOTH.items()], comment=b"PK and so on" * 3
    ),
    "gaps between members": zip_bytes(
        [Member(n, d) for n, d in BOTH.items()], gap=b"gap" * 20
    ),
    "extra fields": members_of(BOTH, local_extra=b"UT\5\0\3\0\0\0\0" + b"ux\1\0\1"),
    "folders": zip_of(BOTH, Member("folder/", mode=0o040755), Member("empty/")),
    "folders without a slash": zip_of(BOTH, Member("folder", mode=0o040755)),
    "one top folder": members_of(BOTH, "top folder/"),
    "./ in front": members_of(BOTH, "./"),
    "./ and a doubled slash in front": members_of(BOTH, ".//"),
    "one top folder and clutter": zip_of(
        {f"top/{name}": data for name, data in BOTH.items()} | {"__MACOSX/x": b"1"}
    ),
    "UTF-8 names": members_of(crate_files({"Überblick/größe ☂.txt": b"x"})),
}


@pytest.mark.parametrize("archive", LEGAL.values(), ids=LEGAL)
def test_an_odd_archive_that_is_legal_is_confirmed(
    room: Room, tmp_path: Path, archive: bytes
) -> None:
    file = tmp_path / "x.ZIP"
    file.write_bytes(archive)
    run = room.check(file)
    assert run.code == 0, run.troubles
    assert run.report["subject"]["format"] == "zip"


def test_doubled_slashes_within_a_name_are_one(room: Room, tmp_path: Path) -> None:
    metadata = encode(document({"a/b.txt": b"b"}))
    file = tmp_path / "x.zip"
    file.write_bytes(zip_of({METADATA: metadata, "a//b.txt": b"b"}))
    assert room.check(file).code == 0


def test_a_name_of_the_old_code_page_is_read(room: Room, tmp_path: Path) -> None:
    metadata = encode(document({}, file_entity("größe.txt", b"x")))
    name = "größe.txt".encode("cp437")
    file = tmp_path / "x.zip"
    file.write_bytes(zip_bytes([Member(METADATA, metadata), Member(name, b"x")]))
    assert room.check(file).code == 0


@pytest.mark.parametrize("suffix", [".tar", ".json.txt", ".eln", ".crate.zip", ""])
def test_the_magic_counts_and_not_the_suffix(
    room: Room, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"x{suffix}"
    file.write_bytes(LEGAL["deflated"])
    assert room.check(file).code == 0


def test_the_archive_is_left_as_it_was(room: Room, tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(LEGAL["deflated"])
    file.chmod(0o400)
    before = file.stat()
    room.check(file)
    after = file.stat()
    assert (before.st_mtime_ns, before.st_mode, before.st_size) == (
        after.st_mtime_ns,
        after.st_mode,
        after.st_size,
    )
