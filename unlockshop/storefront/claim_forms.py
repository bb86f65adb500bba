"""The form with which a customer makes a claim."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.wording import plain
from refunds.claiming import TEXT_LENGTH
from refunds.states import ClaimType
from unlockshop.storefront.forms import ShopForm

# What nobody can look into without a word about it.
NEEDS_WORDS: Final = frozenset(
    {ClaimType.OTHER, ClaimType.WRONG_DATA, ClaimType.RESULT_DIFFERS, ClaimType.WRONG_SERVICE}
)


class ClaimForm(ShopForm):
    """What the customer wants to tell. Needed where the reason alone says too little."""

    text = forms.CharField(
        label=gettext_lazy("What happened?"),
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": TEXT_LENGTH}),
        help_text=gettext_lazy("What you did, and what the device shows. At most 2,000 characters."),
    )

    def __init__(self, kind: ClaimType, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        if kind not in NEEDS_WORDS:
            self.fields["text"].label = _("What happened? (optional)")

    def clean_text(self) -> str:
        """The visible part of what was written, within its bound."""
        text = plain(self.cleaned_data["text"]).strip()
        if not text and self.kind in NEEDS_WORDS:
            raise forms.ValidationError(_("Say in a sentence or two what is wrong, so that we can look into it."))
        if len(text) > TEXT_LENGTH:
            raise forms.ValidationError(_("Please use at most 2,000 characters; yours are more."))
        return text
