"""Two images, pixel by pixel; of what else is in their files nothing counts."""

from typing import Any, BinaryIO

from reverify.compare.blocks import compare_blocks
from reverify.compare.files import on_disk
from reverify.compare.interface import (
    Job,
    MalformedError,
    NotComparableError,
    missing_library,
)
from reverify.compare.tally import Tally
from reverify.model.comparison import Comparison, Method

FORMATS = ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "PPM"]
"""What is read; other readers of Pillow are not for strangers' files."""
FRAMES = 10_000
STRIP_PIXELS = 1 << 20
_PALETTES = {"P": "RGBA", "PA": "RGBA"}
_DEEP = {"I;16", "I;16B", "I;16L", "I;16N"}
_DEPTH = 65535 / 255
Image = Any
"""An image of Pillow."""


def compare_image(job: Job) -> Comparison:
    """Compare two images within the tolerances; atol is on a scale from 0 to 255."""
    tally = Tally(job.rule, job.bounds.shown)
    with (
        on_disk(job.expected, job.bounds) as expected,
        on_disk(job.actual, job.bounds) as actual,
    ):
        compare_pixels(job, tally, expected, actual, "")
    return tally.finish(job.name, Method.IMAGE, "values of pixels")


def compare_pixels(
    job: Job, tally: Tally, expected: BinaryIO, actual: BinaryIO, prefix: str
) -> None:
    """Compare two images, all frames of them.

    Args:
        job: whose bounds and time it uses.
        tally: where to note.
        expected: one file.
        actual: the other.
        prefix: goes before the places.

    Raises:
        MalformedError: it is no image of a format that is read.
        NotComparableError: Pillow is missing, or there are too many pixels.
    """
    try:
        import numpy as np  # noqa: F401, PLC0415
        from PIL import Image as pillow  # noqa: N813, PLC0415
    except ImportError as error:
        library = "pillow" if "PIL" in str(error) else "numpy"
        raise missing_library(library) from error
    pillow.MAX_IMAGE_PIXELS = job.bounds.pixels
    try:
        with (
            pillow.open(expected, formats=FORMATS) as one,
            pillow.open(actual, formats=FORMATS) as other,
        ):
            _frames(job, tally, one, other, prefix)
    except pillow.DecompressionBombError as error:
        raise _too_many(job) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise MalformedError(f"it cannot be read as an image: {error}") from error


def _too_many(job: Job) -> NotComparableError:
    return NotComparableError(
        f"it has more than the {job.bounds.pixels:,} pixels that are read"
    )


def _frames(job: Job, tally: Tally, one: Image, other: Image, prefix: str) -> None:
    counts = getattr(one, "n_frames", 1), getattr(other, "n_frames", 1)
    if counts[0] != counts[1]:
        tally.differ(f"{prefix}the number of frames", str(counts[0]), str(counts[1]))
        return
    pixels = 0
    for frame in range(counts[0]):
        if frame:
            one.seek(frame)
            other.seek(frame)
        where = f"{prefix}frame {frame + 1} " if counts[0] > 1 else prefix
        if one.size != other.size:
            sizes = [f"{image.size[0]} x {image.size[1]}" for image in (one, other)]
            tally.differ(f"{where}the size", sizes[0], sizes[1])
            return
        pixels += one.size[0] * one.size[1]
        if pixels > job.bounds.pixels or frame > FRAMES:
            raise _too_many(job)
        _frame(job, tally, one, other, where)


def _frame(job: Job, tally: Tally, one: Image, other: Image, prefix: str) -> None:
    modes = [_PALETTES.get(image.mode, image.mode) for image in (one, other)]
    if modes[0] != modes[1]:
        tally.differ(f"{prefix}the mode of colours", one.mode, other.mode)
        return
    images = [
        image.convert(mode) if mode != image.mode else image
        for image, mode in zip((one, other), modes, strict=True)
    ]
    width, height = one.size
    step = max(1, STRIP_PIXELS // max(1, width))
    for top in range(0, height, step):
        job.tick()
        box = (0, top, width, min(top + step, height))
        one, other = (image.crop(box) for image in images)
        _strip(tally, one, other, prefix, top=top)


def _strip(tally: Tally, one: Image, other: Image, prefix: str, *, top: int) -> None:
    import numpy as np  # noqa: PLC0415

    width = one.size[0]
    left, right = np.asarray(one), np.asarray(other)
    bands = left.size // max(1, left.shape[0] * left.shape[1])
    scale = _DEPTH if one.mode in _DEEP else 1.0
    if left.dtype == np.bool_:
        left, right = left.astype("u1") * 255, right.astype("u1") * 255
    if scale != 1.0:
        left, right = left / scale, right / scale
    names = one.getbands()

    def where(at: int) -> str:
        pixel, band = divmod(at, bands)
        y, x = divmod(pixel, width)
        return f"{prefix}pixel {x},{y + top} {names[band] if bands > 1 else ''}".strip()

    compare_blocks(tally, left.reshape(-1), right.reshape(-1), where)
