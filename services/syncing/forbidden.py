"""What the shop does not sell, whatever a supplier offers (docs/catalogue-sync.md, "What is refused").

Read off the name and the group of a supplier's service. A check that tells whether a lock is on is fine; taking the
lock off is not. A network unlock that mentions a lock as a condition ("clean iCloud only") is fine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Forbidden(models.TextChoices):
    """Kinds of work that are never sold here."""

    ACTIVATION_LOCK = "activation_lock", _("removes an activation lock")
    ACCOUNT_LOCK = "account_lock", _("removes an account or management lock")
    BLACKLIST = "blacklist", _("removes a blacklist entry")
    IDENTITY = "identity", _("changes a device's identity")


_DEED: Final = (
    r"(?:remov\w*|bypass\w*|delet\w*|eras\w*|disabl\w*|hack\w*|unlock\w*|unlink\w*|kill\w*|crack\w*|reset\w*"
    r"|turn(?:ing)? off|sign ?out|log ?out)"
)
_NEAR: Final = r"(?: (?!(?:not|no|non|only|if|must)\b)\w+){0,2} (?!(?:not|no|non)\b)"
_CONDITION: Final = r"(?! (?:clean|ok|off|on|only|status|check\w*|support\w*|not|no|must|required|free)\b)"
_ACTIVATION: Final = r"(?:i ?cloud|apple ?id|activation(?: lock)?|fmi\w?|find my(?: \w+)?|itunes account)"
_ACCOUNT: Final = (
    r"(?:mdm|frp|factory reset protection|google (?:account|lock)|gmail lock|mi (?:account|cloud|lock)"
    r"|(?:xiaomi|samsung|huawei|oppo|vivo|realme|oneplus|motorola|honor|nokia) (?:account|cloud|id)"
    r"|reactivation(?: lock)?|knox|remote management|screen ?time|pass ?code|screen lock|kg lock)"
)
_BLACKLIST: Final = r"(?:black ?list\w*|barred|bad imei|bad esn|lost mode|lost or stolen|stolen)"
_FROM_LIST: Final = (
    r"(?:remov\w*|clean(?:ing|er)?|delet\w*|unlock\w*|unblock\w*|unbar\w*|fix\w*|repair\w*|whitelist\w*|clear\w*)"
)
_IDENTITY: Final = r"(?:imei|serial(?: number| no)?|sn|meid|esn|baseband|ecid|udid)"
_ALTER: Final = (
    r"(?:repair\w*|chang\w*|patch\w*|rewrit\w*|writ(?:e|es|ing)|replac\w*|spoof\w*|swap\w*|edit\w*|clon\w*|fak\w*"
    r"|generat\w*|restor\w*)"
)


def _both_ways(subject: str, deed: str, *, reverse_unless: str = "") -> str:
    return rf"\b{subject}{_NEAR}{deed}\b|\b{deed}{_NEAR}{subject}\b{reverse_unless}"


_RULES: Final[Mapping[Forbidden, re.Pattern[str]]] = MappingProxyType(
    {
        Forbidden.ACTIVATION_LOCK: re.compile(
            _both_ways(_ACTIVATION, _DEED, reverse_unless=_CONDITION)
            + rf"|^(?:apple |iphone |ipad |all )*{_ACTIVATION}(?: to)? off\b(?!.*\b(?:check|status|info|on)\b)"
        ),
        Forbidden.ACCOUNT_LOCK: re.compile(_both_ways(_ACCOUNT, _DEED, reverse_unless=_CONDITION)),
        Forbidden.BLACKLIST: re.compile(
            _both_ways(_BLACKLIST, _FROM_LIST, reverse_unless=_CONDITION)
            + r"|\bun ?(?:black ?list\w*|bar(?:ring|red)?)\b|\bwhite ?list(?:ing)?\b"
            + r"|\b(?:imei|esn) clean(?:ing|er)\b|\bclean(?:ing|er) (?:imei|esn)\b"
        ),
        Forbidden.IDENTITY: re.compile(_both_ways(_IDENTITY, _ALTER)),
    }
)
# Letters of other scripts that look like Latin ones, as names use them to get past filters.
_LOOKALIKES: Final = str.maketrans("аеорсухіјѕѵԁԛԝοιν", "aeopcyxijsvdqwoiv")


def forbidden(name: str, group: str = "") -> Forbidden | None:
    """The forbidden kind that a supplier's service is, told from its name, else from its group; None if none."""
    for text in (name, group):
        folded = _folded(text)
        for kind, pattern in _RULES.items():
            if pattern.search(folded):
                return kind
    return None


def _folded(text: str) -> str:
    """Small letters and digits, one space between words, without marks, accents and look-alikes."""
    spelt = unicodedata.normalize("NFKD", text).casefold().translate(_LOOKALIKES)
    spelt = "".join(c for c in spelt if unicodedata.category(c) not in {"Mn", "Cf"})
    return " ".join(re.findall(r"[^\W_]+", spelt))
