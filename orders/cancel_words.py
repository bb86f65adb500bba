"""Whether a mail clearly asks to cancel. What leaves any doubt does not: a person reads it then."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from unlockshop.kernel import codes

LONGEST: Final = 300
# Characters of a mail that are looked at. A clear wish has ended by then, for what is quoted begins.
READ: Final = 2000

# How a clear wish begins, after an optional greeting, by language.
BEGINNINGS: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "cancel", "please cancel", "pls cancel", "i want to cancel", "i would like to cancel", "i'd like to cancel",
        "i wish to cancel", "kindly cancel", "cancellation",
    ),
    "es": ("cancelar", "cancela", "cancele", "cancelen", "por favor cancel", "quiero cancelar", "anular", "anulen"),
    "de": ("stornieren", "storno", "bitte stornieren", "ich möchte stornieren", "bitte storniert", "stornierung"),
    "fr": ("annuler", "annulez", "veuillez annuler", "je veux annuler", "je souhaite annuler", "annulation"),
}  # fmt: skip
# Words that turn a wish into something else.
DOUBTS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset(
        {
            "not", "don't", "dont", "no", "never", "unless", "if", "but", "instead", "except", "only", "wait", "until",
            "otherwise", "when", "can't", "cannot", "can", "could", "change", "why", "how", "did", "was", "were",
            "keep", "half", "part", "one", "other", "another",
        }
    ),
    "es": frozenset(
        {
            "no", "nunca", "si", "pero", "salvo", "excepto", "sólo", "solo", "hasta", "cuando", "cómo", "como",
            "puedo", "cambiar", "otro", "otra",
        }
    ),
    "de": frozenset(
        {
            "nicht", "kein", "keine", "nie", "falls", "wenn", "aber", "außer", "nur", "bis", "statt", "wie", "kann",
            "ändern", "andere", "anderen",
        }
    ),
    "fr": frozenset(
        {
            "ne", "pas", "jamais", "si", "mais", "sauf", "seulement", "jusqu'à", "quand", "comment", "puis", "changer",
            "autre",
        }
    ),
}  # fmt: skip
_GREETING: Final = re.compile(
    r"^(?:hi|hello|dear|hey|hola|buenos días|hallo|guten tag|bonjour)\b[^\n,!.]{0,40}[,!.\n]\s*"
)
_ORDER: Final = re.compile(r"\bu-?[0-9a-z]{4}-?[0-9a-z]{4}-?[0-9a-z]\b", re.IGNORECASE)
_WROTE: Final = r"(?:wrote|escribió|schrieb[^\n:]{0,100}|a écrit)"
_QUOTES: Final = (
    re.compile(r"^[ \t]*>", re.MULTILINE),
    re.compile(rf"^[ \t]*(?:On|El|Am|Le)\b.{{5,300}}?{_WROTE}[ \t]{{0,4}}:[ \t]{{0,20}}$", re.MULTILINE | re.DOTALL),
    re.compile(r"(?i)^[ \t]*-{2,20}[ \t]*(?:Original|Forwarded|Mensaje|Ursprüngliche|Message)\b", re.MULTILINE),
    re.compile(r"^[ \t]*_{10}", re.MULTILINE),
    re.compile(r"^[ \t]*(?:From|De|Von)[ \t]*:", re.MULTILINE),
    re.compile(r"^-- ?$", re.MULTILINE),
    re.compile(r"^.{0,300}\breply-p[0-9a-z]{9}-[a-z2-7]{20}@", re.MULTILINE | re.IGNORECASE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What to cancel: the orders of these numbers, or all of the purchase where it names none."""

    numbers: frozenset[str] = frozenset()


def new_text(text: str) -> str:
    """What the customer wrote, without the mail that it answers and without the signature."""
    ends = [match.start() for pattern in _QUOTES if (match := pattern.search(text))]
    return text[: min(ends, default=len(text))].strip()


def wish_in(text: str, languages: Sequence[str]) -> Wish | None:
    """The wish to cancel that the text begins with; None where it has none, or might mean something else."""
    seen = text[:READ]
    written = new_text(seen)
    if len(text) > READ and written == seen.strip():
        return None
    folded = " ".join(_GREETING.sub("", written.casefold().replace("’", "'")).split())
    if not folded or len(folded) > LONGEST or "?" in folded:
        return None
    numbers = frozenset(filter(None, (codes.normalise_number(each) for each in _ORDER.findall(written))))
    rest = _ORDER.sub(" ", folded)
    words = set(re.findall(r"[\w']+", rest))
    if any(character.isdigit() for character in rest):
        return None
    known = [language.partition("-")[0] for language in languages]
    if any(words & DOUBTS.get(language, frozenset()) for language in known):
        return None
    beginnings = [start for language in known for start in BEGINNINGS.get(language, ())]
    is_clear = any(
        folded == start or folded.startswith((f"{start} ", f"{start}.", f"{start}!", f"{start},"))
        for start in beginnings
    )
    return Wish(numbers) if is_clear else None
