from typing import Any

import numpy as np
import pytest
from reverify.compare import Bounds
from reverify.model.comparison import Answer, Method

from tests.compare.files import answered, compared, image

SAME, OTHER = Answer.EQUAL, Answer.DIFFERENT
GREY: Any = np.arange(600, dtype="u1").reshape(20, 30)
COLOUR = np.dstack([GREY, GREY, GREY])
CHANGED = COLOUR.copy()
CHANGED[3, 4, 1] += 2


def test_the_pixel_and_its_band_are_told() -> None:
    found = compared(image(COLOUR), image(CHANGED), "x.png")
    assert found.differences == (("pixel 4,3 G", "94", "96"),)
    assert (found.differing, found.compared) == (1, 1800)
    assert found.absolute is not None
    assert found.absolute.value == 2.0


def test_pixels_may_differ_within_the_tolerance() -> None:
    assert answered(image(COLOUR), image(CHANGED), "x.png", atol=2) is SAME
    assert answered(image(COLOUR), image(CHANGED), "x.png", atol=1) is OTHER


def test_how_it_is_packed_does_not_count() -> None:
    assert answered(image(COLOUR), image(COLOUR, compress_level=0), "x.png") is SAME
    assert answered(image(COLOUR), image(COLOUR, "TIFF"), "x.png") is SAME
    assert answered(image(COLOUR), image(COLOUR, dpi=(300, 300)), "x.png") is SAME


def test_size_and_mode_are_compared() -> None:
    found = compared(image(GREY), image(GREY[:, :-1]), "x.png")
    assert found.differences == (("the size", "30 x 20", "29 x 20"),)
    found = compared(image(GREY), image(COLOUR), "x.png")
    assert found.differences == (("the mode of colours", "L", "RGB"),)


def test_deep_pixels_are_on_the_same_scale() -> None:
    deep: Any = GREY.astype("u2") * 257
    changed = deep.copy()
    changed[0, 5] += 257
    assert answered(image(deep), image(changed), "x.png", atol=1.001) is SAME
    assert answered(image(deep), image(changed), "x.png", atol=0.9) is OTHER


def test_all_frames_are_compared() -> None:
    frames = [COLOUR, CHANGED]
    from PIL import Image  # noqa: PLC0415

    more = [Image.fromarray(frame) for frame in frames]
    one = image(COLOUR, "TIFF", save_all=True, append_images=more[:1])
    other = image(COLOUR, "TIFF", save_all=True, append_images=more[1:])
    found = compared(one, other, "x.tif")
    assert found.differences == (("frame 2 pixel 4,3 G", "94", "96"),)
    found = compared(one, image(COLOUR, "TIFF"), "x.tif")
    assert found.differences == (("the number of frames", "2", "1"),)


def test_too_many_pixels_are_not_read() -> None:
    bounds = Bounds(pixels=500)
    found = compared(image(COLOUR), image(CHANGED), "x.png", bounds)
    assert found.answer is Answer.NOT_COMPARABLE
    assert "more than the 500 pixels" in found.reason


@pytest.mark.parametrize("content", [b"", b"no image", image(CHANGED)[:-40], b"%!PS\n"])
def test_what_is_no_image_is_compared_by_bytes(content: bytes) -> None:
    found = compared(image(COLOUR), content, "x.png")
    assert (found.answer, found.method) == (OTHER, Method.BYTES)
    assert "not as image" in found.remarks[0]
