"""Patterns of files and folders to leave out, as a shell has them."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from reverify.errors import UsageError


class _Rule(NamedTuple):
    parts: tuple[str, ...]
    of_paths: bool
    of_folders: bool


class Patterns:
    """What is to be left out.

    A pattern without a slash is about names, wherever they are: `*.o`. One with a
    slash, `build/*.o` say, is about paths from the folder that is looked at; in it `*`
    stays within one part, and `**/` is any number of folders, or none. A slash at the
    end asks for a folder. Upper and lower case differ.

    Args:
        patterns: `*`, `?`, `[abc]` and `[!abc]` as in a shell.

    Raises:
        UsageError: one of them cannot fit anything.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._rules = [_rule(pattern) for pattern in dict.fromkeys(patterns)]

    def fit(self, path: str, *, folder: bool) -> bool:
        """Whether an entry is to be left out.

        Args:
            path: from the folder that is looked at.
            folder: whether it is a folder.
        """
        name = path.rpartition("/")[2]
        return any(
            _fit(path.split("/") if rule.of_paths else [name], rule.parts)
            for rule in self._rules
            if folder or not rule.of_folders
        )


def _rule(pattern: str) -> _Rule:
    bare = pattern.removesuffix("/").removeprefix("./")
    parts = tuple(bare.removeprefix("/").split("/"))
    if {"", ".", ".."} & set(parts):
        raise UsageError(
            f"--exclude {pattern!r}: write a name, as in '*.o', or a path from the"
            " folder, as in 'build/*.o'"
        )
    return _Rule(parts, "/" in bare, pattern.endswith("/"))


def _fit(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted or not parts:
        return not wanted and not parts
    if wanted[0] != "**":
        return fnmatchcase(parts[0], wanted[0]) and _fit(parts[1:], wanted[1:])
    if len(wanted) == 1:
        return True
    return any(_fit(parts[n:], wanted[1:]) for n in range(len(parts)))
