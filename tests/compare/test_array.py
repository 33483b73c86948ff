# ruff: noqa: ANN401 - arrays and files of h5py have no type here
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from reverify.compare.blocks import compare_blocks, place, slices
from reverify.compare.tally import Tally
from reverify.compare.tolerance import is_close
from reverify.model.comparison import Answer, Method, Rule

from tests.compare.files import answered, compared, hdf5, npy, npz

SAME, OTHER = Answer.EQUAL, Answer.DIFFERENT


def moved(array: Any, *place: int, by: float = 1e-12) -> Any:
    changed = array.copy()
    changed[place] += by
    return changed


GRID: Any = np.arange(12.0).reshape(3, 4)


def test_index_and_both_values_of_a_difference_are_told() -> None:
    found = compared(npy(GRID), npy(moved(GRID, 2, 1)), "x.npy")
    assert found.differences == (("[2, 1]", "9.0", "9.000000000001"),)
    assert (found.compared, found.unit) == (12, "numbers")
    assert found.relative is not None
    assert found.relative.value == pytest.approx(1.1e-13, rel=0.1)


def test_a_tolerance_holds_for_arrays() -> None:
    found = compared(npy(GRID), npy(moved(GRID, 2, 1)), "x.npy", rtol=1e-9)
    assert (found.answer, found.within) == (SAME, 1)
    assert answered(npy(GRID), npy(moved(GRID, 2, 1)), "x.npy", rtol=1e-15) is OTHER


@pytest.mark.parametrize("at", [(0, 1), (2, 3)])
def test_the_order_in_memory_does_not_count(at: tuple[int, int]) -> None:
    one, other = np.asfortranarray(GRID), np.asfortranarray(moved(GRID, *at))
    assert answered(npy(GRID), npy(one), "x.npy") is SAME
    for left, right in ((GRID, other), (one, other), (one, moved(GRID, *at))):
        found = compared(npy(left), npy(right), "x.npy")
        assert [item.where for item in found.differences] == [str(list(at))]


def test_types_and_shapes_are_compared() -> None:
    found = compared(npy(GRID), npy(GRID.astype("f4")), "x.npy")
    assert found.differences == (("the type", "float64", "float32"),)
    found = compared(npy(GRID), npy(GRID.T), "x.npy")
    assert found.differences == (("the shape", "(3, 4)", "(4, 3)"),)
    assert answered(npy(GRID), npy(GRID.astype(">f8")), "x.npy") is SAME


def test_whole_numbers_are_exact() -> None:
    one, other = np.array([2**63 - 1, -(2**63)]), np.array([2**63 - 2, -(2**63)])
    found = compared(npy(one), npy(other), "x.npy")
    assert found.absolute is not None
    assert found.absolute.value == 1.0
    far = np.array([-(2**63), 2**63 - 1])
    found = compared(npy(one), npy(far), "x.npy", atol=1e19)
    assert found.answer is OTHER
    assert found.absolute is not None
    assert found.absolute.value == 2.0**64
    assert answered(npy(one), npy(other), "x.npy", atol=1) is SAME


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "bc"]),
        np.array([b"a", b"bc"]),
        np.array(["2026-01-01", "NaT"], "M8[D]"),
        np.array([True, False]),
        np.array([1 + 2j, complex("nan")]),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f8", 2)]),
        np.array(5.0),
        np.zeros((0, 3)),
        np.arange(3, dtype="f2"),
        np.arange(3, dtype="longdouble"),
    ],
)
def test_all_kinds_of_values_are_compared(values: Any) -> None:
    assert answered(npy(values), npy(values.copy("F")), "x.npy") in {
        SAME,
        Answer.IDENTICAL,
    }
    if not values.size:
        return
    changed = values.copy()
    changed.reshape(-1)[0] = np.zeros(1, values.dtype)[0]
    if (changed == values).all():
        changed = np.ones_like(values)
    found = compared(npy(values), npy(changed), "x.npy")
    assert found.answer is OTHER
    assert found.differing >= 1


def test_fields_of_structured_arrays_are_named() -> None:
    kind = [("a", "i4"), ("b", "f8")]
    one, other = np.array([(1, 2.0)], kind), np.array([(1, 2.5)], kind)
    found = compared(npy(one), npy(other), "x.npy")
    assert found.differences == (("[0] 'b'", "2.0", "2.5"),)
    assert answered(npy(one), npy(other), "x.npy", atol=0.5) is SAME


def test_not_a_number_equals_itself_unless_the_rule_says_otherwise() -> None:
    one, other = np.array([np.nan, 0.0, np.inf]), np.array([np.nan, -0.0, np.inf])
    assert answered(npy(one), npy(other), "x.npy") is SAME
    assert answered(npy(one), npy(other), "x.npy", equal_nan=False) is OTHER
    far = np.array([np.nan, 0.0, 1.0])
    assert answered(npy(one), npy(far), "x.npy", rtol=1.0, atol=1.0) is OTHER


def test_python_objects_are_never_unpickled() -> None:
    one, other = np.array([{}], object), np.array([[]], object)
    found = compared(npy(one), npy(other), "x.npy")
    assert found.answer is Answer.NOT_COMPARABLE
    assert "unpickling" in found.reason


@pytest.mark.parametrize(
    "damaged",
    [
        npy(GRID)[:-1],
        npy(GRID)[:40],
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 70_000,
        b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16,
        b"\x93NUMPY\x01\x00\x10\x00" + b"__import__('x')\n",
        npy(GRID).replace(b"(3, 4)", b"(-3, )"),
        npy(GRID).replace(b"(3, 4), ", b"(10**9),"),
        b"no array",
        b"",
    ],
)
def test_what_is_no_whole_array_is_compared_by_bytes(damaged: bytes) -> None:
    found = compared(npy(GRID), damaged, "x.npy")
    assert (found.answer, found.method) == (OTHER, Method.BYTES)
    assert "not as array" in found.remarks[0]


def test_arrays_in_npz_are_compared_one_by_one() -> None:
    one, other = npz(a=GRID, b=GRID), npz(b=moved(GRID, 0, 1), a=GRID)
    found = compared(one, other, "x.npz")
    assert found.answer is OTHER
    assert [part.name for part in found.parts] == ["x.npz/b.npy"]
    assert answered(one, other, "x.npz", rtol=1e-9) is SAME
    assert answered(one, other, "x.npz", method="array", rtol=1e-9) is SAME


@given(
    arrays.arrays("f8", 6),
    arrays.arrays("f8", 6),
    st.floats(0, 10),
    st.floats(0, 10),
)
@settings(deadline=None)
def test_blocks_are_compared_as_single_numbers_are(
    one: Any, other: Any, rtol: float, atol: float
) -> None:
    rule = Rule(rtol=rtol, atol=atol)
    tally = Tally(rule, 10)
    with np.errstate(all="ignore"):
        sums = np.isinf(one - other) & np.isfinite(one) & np.isfinite(other)
    other = np.where(sums, one, other)  # too far apart for a float
    compare_blocks(tally, one, other, place("", 0, (6,)))
    wanted = [
        not (a == b or (np.isnan(a) and np.isnan(b)) or is_close(a, b, rule))
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    ]
    assert tally.differing == sum(wanted)


@given(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
def test_blocks_cover_an_array_once_and_in_order(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    pieces = [array[block].reshape(-1) for block in slices(shape, 1 << 20)]
    assert np.array_equal(np.concatenate([*pieces, []]), array.reshape(-1))


# -- HDF5 --------------------------------------------------------------------------


def test_hdf5_datasets_and_attributes_are_compared() -> None:
    def make(file: Any, array: Any = GRID, unit: str = "mm") -> None:
        file["g/d"] = array
        file["g/names"] = ["x", "yy"]
        file["g/d"].attrs["unit"] = unit
        file["again"] = h5py.SoftLink("/g/d")
        file["g/loop"] = file["g"]

    one = hdf5(make)
    found = compared(one, hdf5(lambda f: make(f, moved(GRID, 2, 1), "m")), "x.h5")
    assert [item.where for item in found.differences] == [
        "/g/d attribute 'unit'",
        "/g/d[2, 1]",
    ]
    assert answered(one, hdf5(lambda f: make(f, moved(GRID, 2, 1))), "x.h5") is OTHER
    found = compared(one, hdf5(lambda f: make(f, moved(GRID, 2, 1))), "x.h5", rtol=1e-9)
    assert (found.answer, found.within) == (SAME, 1)


def test_how_hdf5_is_stored_does_not_count() -> None:
    one = hdf5(lambda f: f.create_dataset("d", data=GRID))
    other = hdf5(
        lambda f: f.create_dataset("d", data=GRID, chunks=(2, 2), compression="gzip")
    )
    assert answered(one, other, "x.h5") is SAME


def test_objects_that_are_missing_or_others_are_told() -> None:
    one = hdf5(lambda f: (f.create_group("a"), f.create_dataset("b", data=1)))
    other = hdf5(lambda f: (f.create_dataset("a", data=1), f.create_group("c")))
    found = compared(one, other, "x.h5")
    assert found.differences == (
        ("/a", "a group", "a dataset"),
        ("/b", "a dataset", None),
        ("/c", None, "a group"),
    )


def test_hdf5_never_leads_to_another_file(tmp_path: Any) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["d"] = GRID
    raw = tmp_path / "raw"
    raw.write_bytes(GRID.tobytes())

    def link(file: Any) -> None:
        file["d"] = h5py.ExternalLink(str(secret), "/d")

    def store(file: Any) -> None:
        file.create_dataset("d", (3, 4), "f8", external=[(str(raw), 0, GRID.nbytes)])

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((3, 4), "f8")
        layout[:] = h5py.VirtualSource(str(secret), "d", (3, 4))
        file.create_virtual_dataset("d", layout)

    for make in (link, store, virtual):
        made = hdf5(make)
        found = compared(made, hdf5(lambda f: f.create_dataset("d", data=GRID)), "x.h5")
        assert found.answer is Answer.NOT_COMPARABLE
        assert "other file" in found.reason or "another file" in found.reason


@pytest.mark.parametrize("cut", [100, 500, 1000])
def test_a_damaged_hdf5_file_is_no_crash(cut: int) -> None:
    whole = hdf5(lambda f: f.create_dataset("d", data=GRID))
    found = compared(whole, whole[:cut], "x.h5")
    assert found.answer in {OTHER, Answer.NOT_COMPARABLE}
