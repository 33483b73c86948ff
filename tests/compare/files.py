"""Small files to compare, made in memory."""
# ruff: noqa: ANN401 - what the libraries take has no one type

import base64
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet
from reverify.compare import Bounds, Held, compare
from reverify.model.comparison import Answer, Comparison, Rule


def compared(
    expected: bytes | str,
    actual: bytes | str,
    name: str = "file",
    bounds: Bounds | None = None,
    **rule: Any,
) -> Comparison:
    """Compare two contents; whatever comes out can be written and read back."""
    one, other = (
        Held(side.encode("utf-8", "surrogateescape") if isinstance(side, str) else side)
        for side in (expected, actual)
    )
    found = compare(one, other, Rule.from_dict(rule), name=name, bounds=bounds)
    kept = Comparison.from_dict(json.loads(json.dumps(found.to_dict())))
    assert kept == found
    assert found.describe().startswith(f"{name}: ")
    assert found.lines()
    return found


def answered(
    expected: bytes | str, actual: bytes | str, name: str, **rule: Any
) -> Answer:
    return compared(expected, actual, name, **rule).answer


def npy(array: Any) -> bytes:
    target = io.BytesIO()
    np.save(target, array, allow_pickle=True)
    return target.getvalue()


def npz(**arrays: Any) -> bytes:
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def hdf5(make: Any) -> bytes:
    """What `make(file)` puts into an HDF5 file."""
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        make(file)
    return target.getvalue()


def table(**columns: Any) -> bytes:
    """A Parquet file."""
    target = io.BytesIO()
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


def image(array: Any, format: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.fromarray(array).save(target, format, **options)
    return target.getvalue()


def notebook(*cells: dict[str, Any], **document: Any) -> bytes:
    made = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return json.dumps(made | document).encode()


def code(source: str, *outputs: dict[str, Any], count: int = 1) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {},
        "source": source,
        "outputs": list(outputs),
    }


def stream(text: Any, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: Any) -> dict[str, Any]:
    """An output under `image_png=...`, `text_plain=...`."""
    made = {
        key.replace("_", "/", 1): base64.encodebytes(value).decode()
        if isinstance(value, bytes)
        else value
        for key, value in data.items()
    }
    return {"output_type": "display_data", "metadata": {}, "data": made}


def zipped(members: Mapping[str, bytes | str], level: int = 6) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return target.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w", mtime: int = 0) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as out:  # type: ignore[call-overload]
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size, header.mtime = len(content), mtime
            out.addfile(header, io.BytesIO(content))
    return target.getvalue()


def gzipped(content: bytes, level: int = 9) -> bytes:
    return gzip.compress(content, level, mtime=level)
