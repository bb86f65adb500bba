"""Numbers people can read aloud, and secrets nobody can guess."""

from __future__ import annotations

import pytest

from unlockshop.kernel import codes


def test_numbers_are_unlike_and_readable():
    numbers = {codes.new_order_number() for _ in range(2000)}

    assert len(numbers) == 2000
    assert not set("".join(numbers)) & set("01258BILOSUZVv") - {"U"}


@pytest.mark.parametrize("written", ["{}", " {} ", "{lower}", "{plain}", "{spaced}"])
def test_a_number_is_found_however_it_is_typed(written):
    number = codes.new_order_number()
    typed = written.format(
        number, lower=number.lower(), plain=number.replace("-", ""), spaced=number.replace("-", " ")
    )

    assert codes.normalise_number(typed) == number


@pytest.mark.parametrize(
    "junk", ["", "U", "354178036859789", "X-3467-9ACD-E", "U-0000-0000-0", "U" * 500, "ü-3467-9ACD-E"]
)
def test_what_is_no_number_is_nothing(junk):
    assert codes.normalise_number(junk) == ""


def test_secrets_have_256_bits():
    assert len({codes.new_secret() for _ in range(1000)}) == 1000
    assert len(codes.new_secret()) == 43
