"""The tick-list for a claim's video, what was seen in it, and the buttons of a second person and a second code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from orders import doing_again
from refunds import confirming, reviewing, second_codes, seconding, stored_scenarios, supplier_asking
from refunds.admin.rights import KEEPS_SCENARIOS, PAYS_BACK
from refunds.forms import LogForm, TellForm
from refunds.models import Claim, ClaimVideo
from refunds.policy_forms import KeepClaimForm
from refunds.states import DECIDED, WAITING, WHOLE_VIDEOS, Finding
from refunds.videos.wording import SHOWS
from services.models import Service
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import StaffAction, StaffActionForm, reason_field
from unlockshop.kernel.staff_parts import Cell, Fact, Section, Table, moment

TABLE: Final = "admin/parts/table.html"
Data = Mapping[str, Any]


def watchable(claim: Claim) -> list[ClaimVideo]:
    """The claim's videos that are there, the newest first."""
    return list(claim.videos.filter(stage__in=sorted(WHOLE_VIDEOS)).order_by("-pk"))


class ReviewForm(StaffActionForm):
    """A tick for each point that the terms ask for, the IMEI as it is seen, and what follows."""

    video = forms.ChoiceField(label=gettext_lazy("Video"), widget=UnfoldAdminSelectWidget())
    imei_seen = forms.CharField(
        label=gettext_lazy("IMEI seen in the video"),
        help_text=gettext_lazy("Type it from the picture, do not copy it from the order. Empty: none can be read."),
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    finding = forms.ChoiceField(
        label=gettext_lazy("What it shows"), choices=Finding.choices, widget=UnfoldAdminSelectWidget()
    )
    reason = reason_field(
        gettext_lazy("What you saw"), gettext_lazy("Kept in the trail; the customer does not see it.")
    )

    def __init__(self, subject: Claim, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        videos = [(str(video.pk), f"#{video.pk}, {moment(video.begun_at)}") for video in watchable(subject)]
        self.fields["video"].choices = videos  # type: ignore[attr-defined]
        last = [self.fields.pop(name) for name in ("imei_seen", "finding", "reason")]
        for point in reviewing.points(subject):
            self.fields[f"shows_{point}"] = forms.BooleanField(
                label=str(SHOWS[point]), required=False, widget=UnfoldBooleanSwitchWidget()
            )
        self.fields |= dict(zip(("imei_seen", "finding", "reason"), last, strict=True))

    def clean(self) -> dict[str, Any]:
        """With the ticked points as ``shown``."""
        data = super().clean() or {}
        data["shown"] = [
            name.removeprefix("shows_") for name, said in data.items() if name.startswith("shows_") and said
        ]
        return data


def _review(claim: Claim, data: Data, actor: Actor) -> str:
    found = reviewing.record(
        int(data["video"]),
        shown=data["shown"],
        imei_seen=data["imei_seen"],
        finding=data["finding"],
        reason=data["reason"],
        actor=actor,
    )
    if found.holds:
        return _("Kept. The video shows all it must, with the IMEI of the order.")
    if found.imei_seen != found.imei_wanted:
        return _("Kept. The IMEI is not that of the order, so the claim cannot be approved on this video.")
    return _("Kept. Points are missing, so the claim cannot be approved on this video.")


def _confirm(claim: Claim, data: Data, actor: Actor) -> str:
    found = confirming.confirm(claim.pk, reason=data["reason"], actor=actor)
    return _("Confirmed: %(money)s go back, and the customer is told.") % {"money": found.money}


def _turn_down(claim: Claim, data: Data, actor: Actor) -> str:
    confirming.turn_down(claim.pk, reason=data["reason"], actor=actor)
    return _("Turned down. The claim waits for a decision as before.")


def _second_code(claim: Claim, data: Data, actor: Actor) -> str:
    row = second_codes.buy(claim.pk, reason=data["reason"], actor=actor)
    return _("Order %(number)s gets the second code, at no charge, and the customer is told.") % {
        "number": row.order.number
    }


class ExchangeForm(TellForm):
    """Which service instead, and why."""

    service = forms.ChoiceField(
        label=gettext_lazy("Service instead"),
        help_text=gettext_lazy("Services on sale that the order's device and answers fit."),
        widget=UnfoldAdminSelectWidget(),
    )
    field_order = ("service",)

    def __init__(self, subject: Claim, *args: Any, **kwargs: Any) -> None:
        super().__init__(subject, *args, **kwargs)
        self.known = {str(service.pk): service for service in doing_again.alternatives(subject.order)}
        self.fields["service"].choices = [(pk, service.name) for pk, service in self.known.items()]  # type: ignore[attr-defined]

    def clean_service(self) -> Service:
        """The service itself."""
        return self.known[self.cleaned_data["service"]]


def _exchange(claim: Claim, data: Data, actor: Actor) -> str:
    row = second_codes.exchange(claim.pk, data["service"], reason=data["reason"], actor=actor)
    words = {"number": row.order.number, "service": row.order.service_name}
    return _("Order %(number)s brings %(service)s, at no charge, and the customer is told.") % words


def _ask_supplier(claim: Claim, data: Data, actor: Actor) -> str:
    supplier_asking.ask(claim.pk, reason=data["reason"], actor=actor)
    return _("Written down. The claim comes back to you if no answer comes.")


def _is_waiting_for_second(claim: Claim) -> bool:
    return claim.state in WAITING and seconding.waiting(claim) is not None


REVIEW_ACTIONS: Final = (
    StaffAction(
        "confirm",
        gettext_lazy("Confirm as second person"),
        gettext_lazy("Carries out what a colleague approved above the limit. You cannot confirm your own."),
        LogForm,
        _is_waiting_for_second,
        _confirm,
        permission=PAYS_BACK,
    ),
    StaffAction(
        "turn-down",
        gettext_lazy("Turn the approval down"),
        gettext_lazy("Nothing goes back; the claim waits for a decision as before."),
        LogForm,
        _is_waiting_for_second,
        _turn_down,
        is_danger=True,
    ),
    StaffAction(
        "review",
        gettext_lazy("Review the video"),
        gettext_lazy("Tick what you saw, and type in the IMEI. Approving on a video needs all of it."),
        ReviewForm,
        lambda claim: claim.state in WAITING and bool(watchable(claim)),
        _review,
    ),
)


def _keep_as_scenario(claim: Claim, data: Data, actor: Actor) -> str:
    row, differing = stored_scenarios.keep_claim(
        claim.pk, name=data["name"], title=data["title"], by_rules=data["expected"] == "rules",
        reason=data["reason"], actor=actor,
    )  # fmt: skip
    if differing:
        words = {"row": row, "why": "; ".join(map(str, differing))}
        return _("Kept as %(row)s. The rules in force decide otherwise: %(why)s") % words
    return _("Kept as %(row)s. The rules in force decide as it expects.") % {"row": row}


OTHER_ACTIONS: Final = (
    StaffAction(
        "keep-scenario",
        gettext_lazy("Keep as a scenario"),
        gettext_lazy("Its facts and decision, without names, numbers or device, are tried on each later version."),
        KeepClaimForm,
        lambda claim: claim.state in DECIDED and not claim.scenarios.exists(),
        _keep_as_scenario,
        permission=KEEPS_SCENARIOS,
    ),
    StaffAction(
        "ask-supplier",
        gettext_lazy("Ask the supplier"),
        gettext_lazy("You ask it in its panel or by mail; write here what. The customer is told that it was asked."),
        LogForm,
        lambda claim: claim.state in WAITING,
        _ask_supplier,
    ),
    StaffAction(
        "second-code",
        gettext_lazy("Buy a second code"),
        gettext_lazy("The code is ordered once more at our cost, in the place of money. The customer is told."),
        TellForm,
        second_codes.is_offered,
        _second_code,
        permission=PAYS_BACK,
    ),
    StaffAction(
        "exchange",
        gettext_lazy("Exchange for another service"),
        gettext_lazy("Another service is ordered for the device at our cost, in the place of money."),
        ExchangeForm,
        second_codes.is_exchange_offered,
        _exchange,
        permission=PAYS_BACK,
    ),
)


def second_facts(claim: Claim) -> Sequence[Fact]:
    """The approval that waits for its second person, and the second code."""
    found = []
    row = claim.second_approvals.first()
    if row is not None:
        text = f"{row.get_state_display()}: {row.money}, {row.first_by}"
        tone = "warning" if row.state == "waiting" else ""
        found.append(Fact(_("Second person"), Cell(f"{text}; {row.second_by}" if row.second_by else text, tone=tone)))
    code = second_codes.of(claim)
    if code is not None:
        title = _("Second code") if code.order.service_id == claim.order.service_id else _("Exchanged for")
        found.append(Fact(title, Cell(f"{code.order.number}: {code.order.get_state_display()}")))
    return found


def reviews_section(claim: Claim) -> list[Section]:
    """What people saw in the claim's videos, the newest look at each; nothing before anybody looked."""
    rows = [
        [
            Cell(_("proves it") if each.holds else _("does not prove it"), tone="success" if each.holds else "danger"),
            Cell(each.get_finding_display()),
            Cell(each.imei_seen or "—", is_code=True, tone="" if each.imei_seen == each.imei_wanted else "danger"),
            Cell(" ".join(reviewing.sentences(each.missing)) or _("nothing")),
            Cell(each.reason),
            Cell(f"{moment(each.at)}, {each.by_label}"),
        ]
        for each in reviewing.current(claim)
    ]
    headers = [_("Video"), _("Shows"), _("IMEI seen"), _("Missing"), _("Seen"), _("Reviewed")]
    return [Section(_("Reviews of the videos"), TABLE, Table(headers, rows))] if rows else []
