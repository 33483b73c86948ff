"""SWHIDs of files and folders on this machine, as git would hash them.

A link is its text, the owner's executable bit counts, empty folders do not. Bytes are
hashed as they lie on disk: whatever git would do to them when they are committed (line
ends, filters, `.gitignore`) is not done. What git repositories hold is in
`repositories`, which is apart since git takes a while to be loaded.

Source: SWHID specification v1.2 (ISO/IEC 18670:2025), clause 5.
"""

from reverify.crates.swhids.folders import Folder, Identified, Ways
from reverify.crates.swhids.paths import identify, identify_stream

__all__ = ["Folder", "Identified", "Ways", "identify", "identify_stream"]
