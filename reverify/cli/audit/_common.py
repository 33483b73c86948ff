"""What the commands of `audit` share: the history, and writing."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reverify.cli._common import write_stdout

if TYPE_CHECKING:
    from reverify.model.audit import Run
    from reverify.settings import Settings
    from reverify.store.history import History

SHOWN = 20
EXIT_BROKEN = 1
SCHEMA_VERSION = "1.0"


def history_of(settings: "Settings | None" = None) -> "History":
    """The history in the database of the user."""
    from reverify.settings import load_settings  # noqa: PLC0415 - --help stays light
    from reverify.store.database import Database  # noqa: PLC0415
    from reverify.store.history import History  # noqa: PLC0415

    return History(Database((settings or load_settings({})).db))


def counts_line(run: "Run", counts: Mapping[str, int]) -> str:
    """A run in one line."""
    names = ("confirmed", "refuted", "undetermined", "untested")
    told = [f"{counts[n]:,} {n}" for n in names if n != "untested" or counts[n]]
    return f"run {run.number}, {run.state}: {counts['total']:,} crates, " + ", ".join(
        told
    )


def readings_line(counts: Mapping[str, int]) -> str:
    """How much was read, in one line."""
    told = [f"{counts['full']:,} read in full"]
    told += [f"{counts['part']:,} read in part"] if counts["part"] else []
    told += [f"{counts['quick']:,} only looked at"] if counts["quick"] else []
    return ", ".join(told)


def span(seconds: float) -> str:
    """A time for people."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.1f} s"


def dump(data: Mapping[str, Any]) -> None:
    """Write JSON for programs."""
    told = {"schema_version": SCHEMA_VERSION, **data}
    write_stdout(f"{json.dumps(told, indent=2, ensure_ascii=True)}\n".encode())


def say(line: str) -> None:
    """Write a line for people."""
    write_stdout(f"{line}\n".encode("utf-8", "backslashreplace"))
