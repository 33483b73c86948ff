"""Code references and run records: what a crate says of its code and its runs."""

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a recorded action says of itself.

    Attributes:
        action: the @id of the action.
        instruments: the @ids of what was run.
        command: the command line, if it is recorded.
        inputs: the @ids of its objects.
        results: the @ids of its results.
    """

    action: str
    instruments: tuple[str, ...]
    command: str
    inputs: tuple[str, ...]
    results: tuple[str, ...]
