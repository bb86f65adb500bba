"""Clauses in words: the one place where a clause's sentence is filled from the numbers of the terms it belongs to.

The terms page, the panel before buying, the answer to a claim, its mail and the staff pages all come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from refunds.policy.sentences import SENTENCES

if TYPE_CHECKING:
    from refunds.policy.numbers import Numbers

# Stands for a clause where no rule decides.
JUDGEMENT: Final = "HOUSE-JUDGEMENT"
_JUDGEMENT: Final = _("Where no rule decides, a member of our staff does, and says why.")


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """A clause as people read it; ``terms`` is the profile's name and version, ``id`` the anchor on its page."""

    id: str
    sentence: str
    terms: tuple[str, str] = ("", "")


def clause_text(clause_id: str, numbers: Numbers) -> str:
    """The clause with these numbers, in the active language. Raises ``KeyError`` for an id without a sentence."""
    sentence = _JUDGEMENT if clause_id == JUDGEMENT else SENTENCES[clause_id]
    return str(sentence).format(n=numbers)


def clause_lines(numbers: Numbers, ids: tuple[str, ...]) -> list[ClauseLine]:
    """Some clauses with these numbers; ids without a sentence are left out."""
    terms = (numbers.name, numbers.version)
    known = [each for each in ids if each in SENTENCES or each == JUDGEMENT]
    return [ClauseLine(each, clause_text(each, numbers), terms) for each in known]
