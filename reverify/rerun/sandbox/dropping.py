"""How root starts the sandbox: as nobody, who may still see what is shown inside.

Started by uid 0, the sandbox's user would be the root of this machine: it could write
/proc/sys/kernel/core_pattern, and limits of processes would not hold. So setpriv drops
to nobody first. But nobody cannot enter /root. So all that is to be seen is mounted
once more, in a mount namespace that only this process has, below a folder that nobody
may pass.

Source: unshare(1), mount(8), setpriv(1).
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from reverify.rerun.sandbox.flags import NOBODY, Bind

PROGRAMS = ("unshare", "mount", "sh", "setpriv")
_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_PLACES = ("/mnt", "/media", "/srv", "/run")
"""One of them gets covered, for this one process; none is ever changed."""
_SCRIPT = """\
set -e
mount=$1 hold=$2
shift 2
"$mount" -t tmpfs -o size=1m,mode=0711,nosuid,nodev reverify "$hold"
number=0
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir "$hold/$number"; else : >"$hold/$number"; fi
    "$mount" --bind -- "$1" "$hold/$number"
    number=$((number + 1))
    shift
done
shift
exec "$@"
"""


def found(program: str) -> str:
    """Where a program of the system lies; "" if it is not installed."""
    return shutil.which(program, path=_SYSTEM_PATH) or ""


def as_nobody(binds: Sequence[Bind]) -> tuple[list[str], list[Bind]]:
    """Make what comes before bwrap, and where it then finds what it shows.

    Args:
        binds: what is to be seen inside.

    Returns:
        the front of a command line, and the binds with other sources.
    """
    unshare, mount, shell, setpriv = map(found, PROGRAMS)
    hold = _place(binds)
    front = [unshare, "--mount", "--propagation", "private", "--wd=/", "--"]
    front += [shell, "-c", _SCRIPT, "sh", mount, hold]
    front += [bind.source for bind in binds]
    front += ["--", setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}"]
    front += ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--"]
    moved = [Bind(f"{hold}/{i}", bind.target) for i, bind in enumerate(binds)]
    return front, moved


def _place(binds: Sequence[Bind]) -> str:
    """Choose a folder that everybody can reach and that hides nothing we need."""
    for place in _PLACES:
        is_needed = any(bind.source.startswith(f"{place}/") for bind in binds)
        if Path(place).is_dir() and not Path(place).is_symlink() and not is_needed:
            return place
    return _PLACES[0]
