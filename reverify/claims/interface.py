"""The shape of all extractors."""

from collections.abc import Callable, Iterator

from reverify.crates.crate import Crate
from reverify.model.claim import Claim

Extractor = Callable[[Crate], Iterator[Claim]]
"""Reads all claims of one kind out of a crate; tests nothing."""
