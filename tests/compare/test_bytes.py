from hypothesis import given
from hypothesis import strategies as st
from reverify.compare.files import BLOCK
from reverify.model.comparison import Answer, Method

from tests.compare.files import compared


def test_the_same_bytes_are_identical() -> None:
    found = compared(b"abc", b"abc")
    assert found.answer is Answer.IDENTICAL
    assert found.describe() == "file: identical, 3 bytes"


def test_bytes_that_differ_are_shown_and_counted() -> None:
    found = compared(b"\x01\x02\x03\x04", b"\x01\xff\x03\xfe", method="bytes")
    assert (found.answer, found.differing, found.compared) == (Answer.DIFFERENT, 2, 4)
    assert found.differences[0] == ("byte 1", "0x020304", "0xff03fe")


def test_what_comes_behind_the_end_differs() -> None:
    found = compared(b"abc", b"abcde")
    assert (found.differing, found.compared) == (2, 5)
    assert found.differences[0] == ("byte 3", None, "0x6465")
    assert found.reason == "3 bytes expected, 5 found"


def test_differences_in_far_blocks_are_counted_too() -> None:
    data = bytearray(3 * BLOCK + 7)
    other = bytearray(data)
    for place in (0, BLOCK - 1, BLOCK, 3 * BLOCK + 6):
        other[place] = 1
    found = compared(bytes(data), bytes(other))
    assert found.differing == 4
    assert [item.where for item in found.differences] == [
        "byte 0",
        f"byte {BLOCK:,}",
        f"byte {3 * BLOCK + 6:,}",
    ]


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_each_byte_that_differs_is_counted(one: bytes, other: bytes) -> None:
    found = compared(one, other, method="bytes")
    count = sum(a != b for a, b in zip(one, other, strict=False))
    count += abs(len(one) - len(other))
    assert found.differing == count
    assert (found.answer is Answer.IDENTICAL) == (one == other)


def test_a_name_without_a_type_is_compared_by_bytes() -> None:
    assert compared("a\r\n", "a\n", "data").method is Method.BYTES
