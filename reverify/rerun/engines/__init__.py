"""Engines: how each kind of thing is run. The table is the register."""

from collections.abc import Mapping

from reverify.rerun.engines.command import Command
from reverify.rerun.engines.cwl import Cwl
from reverify.rerun.engines.make import Make
from reverify.rerun.engines.nextflow import Nextflow
from reverify.rerun.engines.notebook import Notebook
from reverify.rerun.engines.snakemake import Snakemake
from reverify.rerun.interface import Engine

__all__ = ["ENGINES"]
ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (Command(), Notebook(), Cwl(), Snakemake(), Nextflow(), Make())
}
"""Every engine by the name that a plan has for it."""
