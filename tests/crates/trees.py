"""Small trees of files, written by their bytes."""

import os
from pathlib import Path
from typing import NamedTuple

Tree = dict[bytes, "Node"]


class File(NamedTuple):
    content: bytes
    executable: bool = False


class Link(NamedTuple):
    target: bytes


Node = File | Link | Tree


def write_tree(folder: Path | bytes, tree: Tree) -> None:
    at = os.fsencode(folder)
    for name, node in tree.items():
        path = at + b"/" + name
        match node:
            case File(content, executable):
                with open(path, "wb") as stream:  # noqa: PTH123 - bytes are no Path
                    stream.write(content)
                os.chmod(path, 0o755 if executable else 0o644)  # noqa: PTH101
            case Link(target):
                os.symlink(target, path)  # noqa: PTH211
            case _:
                os.mkdir(path)  # noqa: PTH102
                write_tree(path, node)


HELLO = File(b"hello\n")
T: Tree = {
    b"ln": Link(b"src/a.txt"),
    b"run": File(b"hello\n", executable=True),
    b"src.txt": HELLO,
    b"src": {b"a.txt": HELLO},
}
"""The tree of the vectors."""
T_ID = "c304f7eb8bb91030c52357898abdc1238b0e3f93"
