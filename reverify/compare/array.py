"""Two files of arrays: NumPy's own format, or HDF5."""

from reverify.compare.files import on_disk
from reverify.compare.hdf5 import MAGIC as HDF5
from reverify.compare.hdf5 import compare_hdf5
from reverify.compare.interface import Job, MalformedError, missing_library
from reverify.compare.npy import MAGIC as NPY
from reverify.compare.npy import compare_npy
from reverify.compare.tally import Tally
from reverify.model.comparison import Comparison, Method


def compare_array(job: Job) -> Comparison:
    """Compare all numbers of two files of the same format."""
    try:
        import numpy as np  # noqa: F401, PLC0415
    except ImportError as error:
        raise missing_library("numpy") from error
    tally = Tally(job.rule, job.bounds.shown)
    with (
        on_disk(job.expected, job.bounds) as expected,
        on_disk(job.actual, job.bounds) as actual,
    ):
        streams = expected, actual
        first = [stream.read(8) for stream in streams]
        sizes = expected.seek(0, 2), actual.seek(0, 2)
        for stream in streams:
            stream.seek(0)
        if all(data.startswith(NPY) for data in first):
            compare_npy(job, tally, streams, sizes)
        elif all(data.startswith(HDF5) for data in first):
            compare_hdf5(job, tally, streams)
        else:
            raise MalformedError("both would have to be NumPy arrays, or HDF5 files")
    return tally.finish(job.name, Method.ARRAY, "numbers")
