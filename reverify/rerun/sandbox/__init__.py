"""What keeps a command of strangers from doing harm."""

from reverify.rerun.sandbox.bubblewrap import Bubblewrap
from reverify.rerun.sandbox.flags import WORK
from reverify.rerun.sandbox.unconfined import Unconfined

__all__ = ["WORK", "Bubblewrap", "Unconfined"]
