"""The form for a video. What the browser says of the file is not believed; its content is looked at later."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unlockshop.storefront.forms import ShopForm

ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".3gp", ".3g2")


class VideoForm(ShopForm):
    """One file."""

    video = forms.FileField(
        label=gettext_lazy("Video file"),
        max_length=255,
        error_messages={
            "required": gettext_lazy("Choose a video file."),
            "max_length": gettext_lazy("The name of the file is too long. Rename it to something short."),
            "empty": gettext_lazy("The file is empty. Choose another one."),
        },
        widget=forms.FileInput(attrs={"accept": "video/mp4,video/quicktime,video/webm,video/3gpp,.mp4,.mov,.webm"}),
    )

    @classmethod
    def refused(cls, reason: str) -> VideoForm:
        """The form after a refusal, with the reason beside its field."""
        form = cls({}, MultiValueDict())
        form.full_clean()
        form.errors.clear()
        form.add_error("video", reason)
        return form

    def clean_video(self) -> object:
        """Not too large, and called like a video: a name such as ``proof.mp4.exe`` is a mistake or worse."""
        file = self.cleaned_data["video"]
        if file.size > settings.VIDEO_MAX_BYTES:
            most = settings.VIDEO_MAX_BYTES // 1024**2
            raise forms.ValidationError(
                _("The video is larger than %(most)d MB. Film a shorter one.") % {"most": most}
            )
        if not file.name.lower().endswith(ENDINGS):
            raise forms.ValidationError(
                _("This file is not a video we can play. Send an MP4, MOV or WebM file as your phone records it.")
            )
        return file
