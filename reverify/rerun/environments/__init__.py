"""Environments: where a command runs this time, and how far that is from the record."""

from reverify.rerun.environments.asis import as_is
from reverify.rerun.environments.container import Container, in_container
from reverify.rerun.environments.differences import differences
from reverify.rerun.environments.venv import build_venv

__all__ = ["Container", "as_is", "build_venv", "differences", "in_container"]
