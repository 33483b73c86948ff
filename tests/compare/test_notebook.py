import json
from typing import Any

import numpy as np
import pytest
from reverify.model.comparison import Answer, Method

from tests.compare.files import answered, code, compared, image, notebook, shown, stream

SAME, OTHER = Answer.EQUAL, Answer.DIFFERENT
PIXELS: Any = np.zeros((4, 5, 3), "u1")
OTHERS = PIXELS + np.uint8(2)


def test_counts_and_metadata_do_not_count() -> None:
    one = notebook(code("x", stream("1\n"), count=1))
    other = notebook(code("x", stream("1\n"), count=7), metadata={"kernel": "x"})
    assert answered(one, other, "x.ipynb") is SAME


def test_cell_and_output_of_a_difference_are_told() -> None:
    one = notebook(code("x"), code("y", stream("a\nb\n")))
    other = notebook(code("x"), code("y", stream("a\nc\n")))
    found = compared(one, other, "x.ipynb")
    assert found.differences == (("cell 2, output 1, line 2", r"'b\n'", r"'c\n'"),)


def test_pieces_of_one_stream_are_one_output() -> None:
    one = notebook(code("x", stream(["a\n", "b\n"])))
    other = notebook(code("x", stream("a\n"), stream("b\n")))
    assert answered(one, other, "x.ipynb") is SAME
    errors = notebook(code("x", stream("a\n"), stream("b\n", "stderr")))
    assert answered(one, errors, "x.ipynb") is OTHER


def test_text_outputs_follow_the_rules_of_text() -> None:
    one = notebook(code("x", stream("took 1 s \n"), shown(text_plain=["<at 0x1a>"])))
    other = notebook(code("x", stream("took 2 s\n"), shown(text_plain="<at 0x2b>")))
    assert answered(one, other, "x.ipynb") is OTHER
    rule = {"ignore_patterns": [r"\d+ s", "0x[0-9a-f]+"], "ignore_whitespace": True}
    assert answered(one, other, "x.ipynb", **rule) is SAME


def test_images_are_compared_by_pixels() -> None:
    one = notebook(code("x", shown(image_png=image(PIXELS))))
    same = notebook(code("x", shown(image_png=image(PIXELS, compress_level=0))))
    other = notebook(code("x", shown(image_png=image(OTHERS))))
    assert answered(one, same, "x.ipynb") is SAME
    found = compared(one, other, "x.ipynb")
    assert found.differences[0].where == "cell 1, output 1, image/png, pixel 0,0 R"
    assert answered(one, other, "x.ipynb", atol=2) is SAME


def test_an_image_that_cannot_be_read_differs() -> None:
    one = notebook(code("x", shown(image_png=image(PIXELS))))
    for broken in (b"no image", image(OTHERS)[:-30]):
        other = notebook(code("x", shown(image_png=broken)))
        assert answered(one, other, "x.ipynb") is OTHER


def test_json_in_outputs_is_compared_by_values() -> None:
    one = notebook(code("x", shown(application_json={"a": 1.0, "b": 2})))
    other = notebook(code("x", shown(application_json={"b": 2, "a": 1.5})))
    found = compared(one, other, "x.ipynb")
    assert found.differences[0].where == "cell 1, output 1, application/json /a"
    assert answered(one, other, "x.ipynb", atol=0.5) is SAME


def test_sources_cells_and_outputs_that_differ_are_told() -> None:
    one = notebook(code("x"), code("y", stream("1\n")))
    other = notebook(code("z"), code("y"), {"cell_type": "markdown", "source": "m"})
    found = compared(one, other, "x.ipynb")
    assert [item.where for item in found.differences] == [
        "cell 1, its source, line 1",
        "cell 2, output 1",
        "cell 3",
    ]


def test_errors_are_compared_by_what_they_say() -> None:
    error = {
        "output_type": "error",
        "ename": "E",
        "evalue": "1",
        "traceback": ["a", "b"],
    }
    one, other = (
        notebook(code("x", error)),
        notebook(code("x", error | {"evalue": "2"})),
    )
    found = compared(one, other, "x.ipynb")
    assert found.differences == (("cell 1, output 1, evalue, line 1", "'1'", "'2'"),)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"nbformat": 3, "worksheets": []},
        {"nbformat": 4},
        {"nbformat": 4, "cells": [1]},
        {"nbformat": 4, "cells": [{"cell_type": "code", "outputs": [1]}]},
    ],
)
def test_what_is_no_notebook_is_compared_by_bytes(document: object) -> None:
    found = compared(notebook({"cell_type": "code"}), json.dumps(document), "x.ipynb")
    assert (found.answer, found.method) == (OTHER, Method.BYTES)


@pytest.mark.parametrize(
    "output",
    [
        {},
        {"output_type": 7},
        {"output_type": "stream", "name": [], "text": {"a": 1}},
        {"output_type": "display_data", "data": [1]},
        {"output_type": "display_data", "data": {"image/png": [1, None]}},
        {"output_type": "error", "traceback": 5},
    ],
)
def test_odd_outputs_are_compared_all_the_same(output: dict[str, object]) -> None:
    one = notebook(code("x", output))
    other = notebook(code("x", output), metadata={"a": 1})
    assert answered(one, other, "x.ipynb") is SAME
    assert answered(one, notebook(code("x", stream("a"))), "x.ipynb") is OTHER
