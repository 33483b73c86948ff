"""Code references and run records: what a crate says of its code and its runs."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReference:
    """Where an entity says that its code is.

    Attributes:
        commit: 40 or 64 lower-case hexadecimal digits.
        origin: the address of the repository, if it is named.
        path: the path within the repository, if it is named.
    """

    commit: str
    origin: str = ""
    path: str = ""


class Aspect(StrEnum):
    """What of the code something is said of."""

    COMMIT = "commit"
    TREE = "tree"
    TAG = "tag"
    BLOB = "blob"
    ORIGIN = "origin"
    BRANCH = "branch"
    HINT = "hint"
    MALFORMED = "malformed"
    ODD = "odd"


_OBJECTS = {Aspect.COMMIT, Aspect.TREE, Aspect.TAG, Aspect.BLOB}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that a crate says of its code, at one place.

    Attributes:
        aspect: what of the code.
        value: the digits of an object; the branch, tag or abbreviation of a hint; the
            branch that is named beside a commit; the text as written, where that is
            malformed or odd.
        origin: the address of the repository, if it is named in the same place.
        path: from `under` to the object, POSIX, without a slash in front.
        under: what the path starts from: `commit:HEX`, `tree:HEX`, `tag:HEX`.
        key: the property that says so.
        pointer: the JSON pointer of it.
        own: whether it is said of the entity itself, and not of what it is based on.
        same: whether the entity's file is said to be the object at the path.
        reason: what is wrong with it, as the end of a sentence.
    """

    aspect: Aspect
    value: str = ""
    origin: str = ""
    path: str = ""
    under: str = ""
    key: str = ""
    pointer: str = ""
    own: bool = True
    same: bool = False
    reason: str = ""

    @property
    def is_object(self) -> bool:
        """Whether it names an object of git: a commit, tree, tag or blob."""
        return self.aspect in _OBJECTS

    @property
    def text(self) -> str:
        """An object as `commit:HEX`."""
        return f"{self.aspect}:{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a recorded action says of itself.

    Attributes:
        action: the @id of the action.
        inputs: the @ids of its objects.
        results: the @ids of its results.
    """

    action: str
    inputs: tuple[str, ...]
    results: tuple[str, ...]
