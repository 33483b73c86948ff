"""How does a manifest read as a crate, and a crate as a manifest?

`crate_document` writes the metadata document of a capsule, `manifest_from` reads one
back, and what the manifest cannot hold of a stranger's crate is `foreign` to it and
handed on. Each part of the manifest is written and read in one module, side by side.
"""

from reverify.capsules.mapping.document import crate_document
from reverify.capsules.mapping.foreign import foreign
from reverify.capsules.mapping.interface import CodeFacts, GeneratedFile, Measured
from reverify.capsules.mapping.reading import manifest_from

__all__ = [
    "CodeFacts",
    "GeneratedFile",
    "Measured",
    "crate_document",
    "foreign",
    "manifest_from",
]
