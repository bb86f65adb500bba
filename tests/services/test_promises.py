from __future__ import annotations

import pytest

from services.promises import about, average_words, estimate_words, exactly, guaranteed_words

HOUR, DAY = 60, 24 * 60


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "1 minute"),
        (1, "1 minute"),
        (3, "3 minutes"),
        (12, "10 minutes"),
        (30, "30 minutes"),
        (60, "1 hour"),
        (90, "90 minutes"),
        (120, "2 hours"),
        (30 * HOUR, "30 hours"),
        (2 * DAY, "2 days"),
        (60 * HOUR, "2 days"),
        (7 * DAY, "7 days"),
    ],
)
def test_average_is_rounded_as_people_speak(minutes: int, words: str) -> None:
    assert about(minutes) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (1, "1 minute"),
        (45, "45 minutes"),
        (60, "1 hour"),
        (90, "1 hour 30 minutes"),
        (36 * HOUR, "36 hours"),
        (DAY, "1 day"),
        (3 * DAY, "3 days"),
        (3 * DAY + 1, "72 hours 1 minute"),
    ],
)
def test_guarantee_is_never_rounded(minutes: int, words: str) -> None:
    assert exactly(minutes) == words


def test_sentences_say_which_of_the_two_is_promised() -> None:
    assert average_words(30 * HOUR) == "about 30 hours on average, not guaranteed"
    assert estimate_words(30 * HOUR) == "about 30 hours by the supplier's estimate, not guaranteed"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (3 * DAY, "3 business days"), (DAY, "1 business day"), (2 * HOUR, "2 hours of opening time"),
        (90, "1 hour 30 minutes of opening time"), (36 * HOUR, "1 business day and 12 hours of opening time"),
        (0, "0 minutes of opening time"),
    ],
)  # fmt: skip
def test_a_guarantee_counts_business_time(minutes: int, words: str) -> None:
    assert guaranteed_words(minutes) == f"at most {words}, guaranteed"
