"""What databases say when something goes wrong, as sentences that say what to do."""

import re
import sqlite3

from reverify.errors import DamagedError, StoreError

BUSY_SECONDS = 60
"""How long to wait for others to be done with writing."""
ELSEWHERE = "choose another with REVERIFY_DB"


def translate(error: BaseException, name: str, done: str) -> StoreError:
    """Make an error of ours of an error of a driver.

    Args:
        error: of sqlite3 or psycopg.
        name: the database, as one says it in a sentence.
        done: what could not be done with it: `read` or `written`.
    """
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, name, done)
    return _of_postgresql(error, name, done)


def first_line(error: BaseException) -> str:
    """The first line of what an error says."""
    return str(error).strip().partition("\n")[0]


_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: (
        f"others have been writing to it for {BUSY_SECONDS} seconds; try again when"
        " they are done"
    ),
    sqlite3.SQLITE_FULL: "the disk is full, nothing was written; make room, try again",
    sqlite3.SQLITE_IOERR: (
        "cannot be {done} ({said}); see that the disk works and is not full, try again"
    ),
    sqlite3.SQLITE_READONLY: f"may only be read; change its mode, or {ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened ({said}); see that its folder is there and may be written, or"
        f" {ELSEWHERE}"
    ),
}
"""What to say, by SQLite's code."""
_DAMAGED = "`reverify capsule verify-db` tells what is wrong; restore a copy of it"


def _of_sqlite(error: sqlite3.Error, name: str, done: str) -> StoreError:
    said, code = first_line(error), getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _OF_SQLITE:
        return StoreError(f"{name}: {_OF_SQLITE[code].format(done=done, said=said)}")
    if code == sqlite3.SQLITE_NOTADB:
        return DamagedError(
            f"{name}: is no database of SQLite, or its beginning is damaged; restore a"
            f" copy of it, or {ELSEWHERE}"
        )
    # Nobody but us writes there: what does not fit its tables is damage as well.
    return DamagedError(f"{name}: is damaged ({said})", _DAMAGED)


_CLASSES = {
    "28": "see that user and password in REVERIFY_DB are right",
    "3D": "create that database, or choose another with REVERIFY_DB",
    "42": "see that the user may create and change tables there",
    "53": "make room on the server and try again",
    "25": "it may only be read; choose another with REVERIFY_DB",
    "55": "others are at it; try again",
    "40": "others are at it; try again",
    "57": "try again when the server is up",
}
"""What to do, by the class of SQLSTATE."""
_BROKEN = ("XX", "22", "23")
"""Classes of SQLSTATE that tell of data that is not as it was put there."""
_SAID_FATAL = re.compile(r"FATAL:\s+(.*)")


def _of_postgresql(error: BaseException, name: str, done: str) -> StoreError:
    state = getattr(error, "sqlstate", None) or ""
    said = first_line(error)
    fatal = _SAID_FATAL.search(str(error))
    if fatal is not None:
        said = fatal[1]
        if re.search(r"password|authentication|role .* does not exist", said):
            state = state or "28000"
        elif re.search(r"database .* does not exist", said):
            state = state or "3D000"
    if "no password supplied" in str(error):
        state = "28000"
    if state.startswith(_BROKEN):
        return DamagedError(f"{name}: is damaged ({said})", _DAMAGED)
    advice = _CLASSES.get(state[:2])
    if advice is None:
        advice = "see that the server runs and that REVERIFY_DB names it"
    return StoreError(f"{name}: cannot be {done} ({said}); {advice}")
