"""Crates, bags and archives made for tests, the lies in them included.

`document` describes files the way an exporter would, so that what it makes passes.
Archives with lies in them are written field by field, since no library would.
"""

import hashlib
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from reverify.crates.limits import Budget, Limits

CONTEXT = "https://w3id.org/ro/crate/1.2/context"
SPEC = "https://w3id.org/ro/crate/1.2"
METADATA = "ro-crate-metadata.json"
LICENCE = "https://spdx.org/licenses/CC0-1.0"

Json = dict[str, Any]


def budget(**limits: Any) -> Budget:  # noqa: ANN401 - see Limits
    return Budget(Limits(**limits))


# -- metadata documents ------------------------------------------------------------


def encoded(path: str) -> str:
    """An @id for a path, as the specification wants it."""
    text = quote(path.encode("utf-8", "surrogateescape"), safe="/:!$&'()*+,;=@~")
    first = text.partition("/")[0]
    return f"./{text}" if ":" in first or first.startswith("-") else text


def file_entity(path: str, data: bytes, id: str | None = None) -> Json:
    return {
        "@id": encoded(path) if id is None else id,
        "@type": "File",
        "name": path.rpartition("/")[2].encode("ascii", "replace").decode() or "file",
        "encodingFormat": "application/octet-stream",
        "contentSize": str(len(data)),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def document(
    files: Mapping[str, bytes] | None = None,
    *entities: Json,
    parts: Sequence[str] | None = None,
    **changes: object,
) -> Json:
    """A document that passes, with an entity for each file.

    Args:
        files: content by path; each becomes a File and a part of the root.
        entities: further entities, as they are.
        parts: further ids that the root has as parts.
        changes: properties of the root, or `context` for the @context.
    """
    described = [file_entity(path, data) for path, data in (files or {}).items()]
    context = changes.pop("context", CONTEXT)
    root: Json = {
        "@id": "./",
        "@type": "Dataset",
        "name": "A test",
        "description": "A crate that was made for a test of a checker of crates.",
        "datePublished": "2026-01-31",
        "license": {"@id": LICENCE},
        "hasPart": [{"@id": e["@id"]} for e in described]
        + [{"@id": id} for id in parts or ()],
    }
    return {
        "@context": context,
        "@graph": [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "about": {"@id": "./"},
                "conformsTo": {"@id": SPEC},
            },
            root | changes,
            {
                "@id": LICENCE,
                "@type": "CreativeWork",
                "name": "CC0 1.0",
                "description": "No rights reserved.",
            },
            *described,
            *entities,
        ],
    }


def encode(value: object) -> bytes:
    return json.dumps(value).encode()


def crate_files(files: Mapping[str, bytes], *entities: Json) -> dict[str, bytes]:
    """The files of a crate and the document that describes them."""
    return {METADATA: encode(document(files, *entities)), **files}


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    root.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root


def write_crate(root: Path, files: Mapping[str, bytes], *entities: Json) -> Path:
    return write(root, crate_files(files, *entities))


# -- bags --------------------------------------------------------------------------

DECLARED = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def manifest(files: Mapping[str, bytes], algorithm: str = "sha256") -> bytes:
    lines = [
        hashlib.new(algorithm, data).hexdigest() + f"  {path}\n"
        for path, data in sorted(files.items())
    ]
    return "".join(lines).encode("utf-8", "surrogateescape")


def bag_files(
    payload: Mapping[str, bytes],
    *,
    declaration: bytes = DECLARED,
    algorithms: Sequence[str] = ("sha256",),
    info: bytes | None = None,
    tags: bool = True,
) -> dict[str, bytes]:
    """The files of a bag: payload below data/, and the tag files.

    Args:
        payload: content by path below `data/`.
        declaration: bagit.txt.
        algorithms: one manifest for each.
        info: bag-info.txt; with a right Payload-Oxum if None.
        tags: whether there is a tag manifest.
    """
    data = {f"data/{path}": content for path, content in payload.items()}
    if info is None:
        octets = sum(map(len, payload.values()))
        info = f"Payload-Oxum: {octets}.{len(payload)}\n".encode()
    files = {"bagit.txt": declaration, "bag-info.txt": info}
    for name in algorithms:
        files[f"manifest-{name}.txt"] = manifest(data, name)
    if tags:
        files["tagmanifest-sha256.txt"] = manifest(files)
    return files | data


# -- OCFL objects ------------------------------------------------------------------


def ocfl_files(
    *versions: Mapping[str, bytes],
    algorithm: str = "sha512",
    specification: str = "1.1",
    folder: str = "content",
    fixity: Sequence[str] = (),
    change: Callable[[Json], object] | None = None,
) -> dict[str, bytes]:
    """The files of an OCFL object; content that is there already is not kept again.

    Args:
        versions: the files of each version by logical path, the oldest first.
        algorithm: by which content is addressed.
        specification: the version of OCFL.
        folder: the content directory.
        fixity: further algorithms, for the fixity block.
        change: changes the newest inventory before it is written, in both places.

    Source: OCFL 1.1, section 3.
    """
    dvalue = f"ocfl_object_{specification}"
    files: dict[str, bytes] = {f"0={dvalue}": f"{dvalue}\n".encode()}
    inventory: Json = {
        "id": "urn:example:rain",
        "type": f"https://ocfl.io/{specification}/spec/#inventory",
        "digestAlgorithm": algorithm,
        "head": "v1",
        "manifest": {},
        "versions": {},
    }
    if folder != "content":
        inventory["contentDirectory"] = folder
    for number, state in enumerate(versions, 1):
        inventory["head"] = f"v{number}"
        files |= _ocfl_version(inventory, f"v{number}/{folder}", state)
        _ocfl_fixity(inventory, files, fixity)
        if change is not None and number == len(versions):
            change(inventory)
        text = json.dumps(inventory, indent=1).encode()
        for where in ("", f"v{number}/"):
            files |= ocfl_inventory(text, where, algorithm)
    return files


def ocfl_inventory(
    text: bytes, where: str = "", algorithm: str = "sha512"
) -> dict[str, bytes]:
    """An inventory and its sidecar, below some folder."""
    line = f"{hashlib.new(algorithm, text).hexdigest()} inventory.json\n"
    name = f"{where}inventory.json"
    return {name: text, f"{name}.{algorithm}": line.encode()}


def _ocfl_version(
    inventory: Json, top: str, state: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Add a version to an inventory; the content files that are new in it."""
    manifest = inventory["manifest"]
    listed: dict[str, list[str]] = {}
    new: dict[str, bytes] = {}
    for path, data in state.items():
        digest = hashlib.new(inventory["digestAlgorithm"], data).hexdigest()
        if digest not in manifest:
            manifest[digest] = [f"{top}/{path}"]
            new[f"{top}/{path}"] = data
        listed.setdefault(digest, []).append(path)
    inventory["versions"][top.partition("/")[0]] = {
        "created": "2026-01-31T12:00:00Z",
        "message": "A test.",
        "user": {"name": "Ada Example", "address": "mailto:ada@example.org"},
        "state": listed,
    }
    return new


def _ocfl_fixity(
    inventory: Json, files: Mapping[str, bytes], algorithms: Sequence[str]
) -> None:
    if algorithms:
        content = [path for paths in inventory["manifest"].values() for path in paths]
        inventory["fixity"] = {
            name: {
                hashlib.new(name.removesuffix("-512"), files[path]).hexdigest(): [path]
                for path in content
            }
            for name in algorithms
        }


# -- zip archives ------------------------------------------------------------------


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Member:
    """One member of a zip; what is None is told truly.

    Attributes:
        name: in both headers.
        data: what it really holds.
        method: 0, 8, 12, 14 or a lie.
        packed: the packed bytes, instead of `data` packed.
        flags: general purpose bits.
        mode: Unix mode, with its file type; None for an archive made elsewhere.
        size, packed_size, crc: claims of the central directory.
        local_name, local_size, local_method: other claims of the local header.
        local: whether there is a local header and data at all.
        at: where the central directory says that the local header is.
        extra: extra field of the central header.
        local_extra: extra field of the local header.
        date: DOS date.
        comment: of the member.
        streamed: whether sizes come in a data descriptor behind the data.
    """

    name: bytes | str
    data: bytes = b""
    method: int = 0
    packed: bytes | None = None
    flags: int = 0
    mode: int | None = 0o100644
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    local_method: int | None = None
    local: bool = True
    at: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    date: int = 0x5821
    comment: bytes = b""
    streamed: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.name, str):
            self.name = self.name.encode("utf-8", "surrogateescape")
            if not self.name.isascii():
                self.flags |= 0x800
        if self.packed is None:
            self.packed = deflate(self.data) if self.method == 8 else self.data
        if self.streamed:
            self.flags |= 0x8


def zip_bytes(
    members: Iterable[Member], *, comment: bytes = b"", gap: bytes = b""
) -> bytes:
    """Write a zip archive field by field.

    Source: APPNOTE.TXT 6.3.10, 4.3.
    """
    out, central = bytearray(), bytearray()
    count = 0
    for member in members:
        at = len(out) if member.at is None else member.at
        if member.local:
            out += _local(member)
        out += gap
        central += _central(member, at)
        count += 1
    start = len(out)
    end = struct.pack(
        "<4s4H2LH",
        b"PK\5\6",
        0,
        0,
        min(count, 0xFFFF),
        min(count, 0xFFFF),
        len(central),
        start,
        len(comment),
    )
    return bytes(out + central + end + comment)


def _truth(member: Member) -> tuple[bytes, int, int, int]:
    packed = member.packed or b""
    crc = zlib.crc32(member.data) if member.crc is None else member.crc
    size = len(member.data) if member.size is None else member.size
    packed_size = len(packed) if member.packed_size is None else member.packed_size
    return packed, crc, packed_size, size


def _local(member: Member) -> bytes:
    packed, crc, packed_size, size = _truth(member)
    name = member.name if member.local_name is None else member.local_name
    method = member.method if member.local_method is None else member.local_method
    if member.local_size is not None:
        size = member.local_size
    sizes = (0, 0, 0) if member.streamed else (crc, packed_size, size)
    assert isinstance(name, bytes)
    header = struct.pack(
        "<4s5H3L2H",
        b"PK\3\4",
        20,
        member.flags,
        method,
        0,
        member.date,
        *sizes,
        len(name),
        len(member.local_extra),
    )
    behind = struct.pack("<4s3L", b"PK\7\x08", crc, packed_size, size)
    tail = behind if member.streamed else b""
    return header + name + member.local_extra + packed + tail


def _central(member: Member, at: int) -> bytes:
    _, crc, packed_size, size = _truth(member)
    made_by = 20 if member.mode is None else (3 << 8) | 20
    assert isinstance(member.name, bytes)
    header = struct.pack(
        "<4s6H3L5H2L",
        b"PK\1\2",
        made_by,
        20,
        member.flags,
        member.method,
        0,
        member.date,
        crc,
        packed_size,
        size,
        len(member.name),
        len(member.extra),
        len(member.comment),
        0,
        0,
        (member.mode or 0) << 16,
        at,
    )
    return header + member.name + member.extra + member.comment


def zip_of(files: Mapping[str, bytes], *others: Member, method: int = 8) -> bytes:
    members = [Member(name, data, method) for name, data in files.items()]
    return zip_bytes([*members, *others])


# -- tar archives ------------------------------------------------------------------


def tar_bytes(
    files: Mapping[str, bytes],
    *others: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes],
    mode: str = "w",
    format: int = tarfile.PAX_FORMAT,
    end: bool = True,
) -> bytes:
    """Write a tar archive: files, then members of other kinds as they are.

    Args:
        files: content by name.
        others: further members.
        mode: of `tarfile.open`.
        format: of the headers.
        end: whether there is an end mark; without one, more may follow.
    """
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode, format=format) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for other in others:
            if isinstance(other, tuple):
                archive.addfile(other[0], io.BytesIO(other[1]))
            else:
                archive.addfile(other)
        size = archive.offset
    return target.getvalue() if end else target.getvalue()[:size]


def tar_member(name: str, type: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = type
    info.linkname = target
    return info


def tar_header(name: str, size: int, type: bytes = tarfile.REGTYPE) -> bytes:
    """One raw header block, whatever its size."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, type
    if size >= 0:
        return info.tobuf(tarfile.GNU_FORMAT)
    info.size = 0
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" + (256**11 + size).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def gzip_of_zeros(target: BinaryIO, size: int, *, head: bytes = b"") -> None:
    """Write a gzip member of some bytes and then zeros, without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    target.write(packer.compress(head))
    target.writelines(packer.compress(block) for block in zeros(size))
    target.write(packer.flush())


def zeros(size: int) -> Iterator[bytes]:
    block = bytes(1 << 20)
    while size > 0:
        yield block[:size] if size < len(block) else block
        size -= len(block)


def source_of(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)
