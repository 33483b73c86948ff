"""The Software Heritage archive: asked through its public API, answers kept.

Nothing here judges. An answer says what the archive said, when, and where it was asked;
`answers` tells what each kind shows and what it does not.
"""

from reverify.services.software_heritage.answers import (
    Answer,
    Asked,
    CouldNotTell,
    Held,
    Known,
    NotHeld,
    Served,
    Withheld,
)
from reverify.services.software_heritage.asking import Allowance, Patience
from reverify.services.software_heritage.cache import Cache
from reverify.services.software_heritage.client import Archive
from reverify.services.software_heritage.lookup import Keeping

__all__ = [
    "Allowance",
    "Answer",
    "Archive",
    "Asked",
    "Cache",
    "CouldNotTell",
    "Held",
    "Keeping",
    "Known",
    "NotHeld",
    "Patience",
    "Served",
    "Withheld",
]
