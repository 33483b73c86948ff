"""How is a crate packed? One file for each way, behind one interface."""

from reverify.capsules.writers.bag import BagWriter
from reverify.capsules.writers.directory import DirectoryWriter
from reverify.capsules.writers.interface import Writer, Written
from reverify.capsules.writers.zip import ZipWriter

__all__ = ["BagWriter", "DirectoryWriter", "Writer", "Written", "ZipWriter"]
