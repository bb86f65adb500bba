"""The buttons on a claim."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.forms import PaidByHandForm
from refunds import deciding, establishing, paying_out, seconding
from refunds.admin.review import OTHER_ACTIONS, REVIEW_ACTIONS
from refunds.admin.rights import PAYS_BACK
from refunds.forms import ApproveForm, FactForm, LogForm, SupplierAnswerForm, TellForm, WithdrawFactForm
from refunds.models import Claim
from refunds.order_facts import known_facts
from refunds.states import OPEN_CLAIMS, WAITING, ClaimState, FactName, FactStanding
from unlockshop.kernel.actors import Actor
from unlockshop.kernel.staff_pages import StaffAction

S = ClaimState
Data = Mapping[str, Any]


def _approve(claim: Claim, data: Data, actor: Actor) -> str:
    found = deciding.approve(claim.pk, amount=data["amount"], reason=data["reason"], actor=actor)
    if found.state in WAITING:
        return _(
            "Above the limit of one person: it waits until a colleague confirms it. Nothing was sent or told yet."
        )
    if found.trouble:
        return _("Approved, but the refund needs you: %(why)s") % {"why": found.trouble}
    return _("Approved: %(money)s go back, and the customer is told.") % {"money": found.money}


def _deny(claim: Claim, data: Data, actor: Actor) -> str:
    found = deciding.deny(claim.pk, reason=data["reason"], actor=actor)
    return _("Denied by %(code)s, and the customer is told.") % {"code": found.code}


def _ask(claim: Claim, data: Data, actor: Actor) -> str:
    deciding.ask_for_evidence(claim.pk, reason=data["reason"], actor=actor)
    return _("The customer is asked.")


def _supplier(claim: Claim, data: Data, actor: Actor) -> str:
    found = deciding.record_supplier_answer(claim.pk, answer=data["answer"], reason=data["reason"], actor=actor)
    return _("Written down. By the rules: %(decision)s (%(code)s).") % {
        "decision": found.engine_decision,
        "code": found.engine_code,
    }


def _reopen(claim: Claim, data: Data, actor: Actor) -> str:
    deciding.reopen(claim.pk, reason=data["reason"], actor=actor)
    return _("Taken up again.")


def _record(claim: Claim, data: Data, actor: Actor) -> str:
    happened = data["happened_at"]
    fact = establishing.record(
        claim.order,
        FactName(data["name"]),
        FactStanding(data["standing"]),
        evidence=data["evidence"],
        actor=actor,
        about_device=data["about_device"],
        caused_delay=data["caused_delay"],
        happened_at=happened.astimezone(UTC) if happened else None,
    )
    return _("Recorded: %(fact)s.") % {"fact": fact}


def _withdraw(claim: Claim, data: Data, actor: Actor) -> str:
    establishing.withdraw(claim.order, int(data["fact"]), reason=data["reason"], actor=actor)
    return _("Taken back; it stays on record.")


def _pay_again(claim: Claim, data: Data, actor: Actor) -> str:
    paying_out.pay_again(claim.pk, reason=data["reason"], actor=actor)
    claim.refresh_from_db()
    return claim.trouble or _("The refund is asked for again.")


def _pay_by_hand(claim: Claim, data: Data, actor: Actor) -> str:
    made = paying_out.pay_by_hand(claim.pk, PaidByHandForm.sent(data), actor=actor)
    return _("Booked: %(money)s were sent back in another way.") % {"money": made.money}


def _settle(claim: Claim, data: Data, actor: Actor) -> str:
    paying_out.settle_by_hand(claim.pk, reason=data["reason"], actor=actor)
    return _("Settled.")


def _waits(claim: Claim) -> bool:
    return claim.state in WAITING


def _is_by_hand(claim: Claim) -> bool:
    return claim.state == S.APPROVED and (bool(claim.trouble) or claim.amount == 0)


CLAIM_ACTIONS: Final = (
    *REVIEW_ACTIONS,
    StaffAction(
        "approve",
        gettext_lazy("Approve"),
        gettext_lazy("Grants it and asks for the refund. The answer of the rules is kept beside it."),
        ApproveForm,
        lambda claim: _waits(claim) and seconding.waiting(claim) is None,
        _approve,
        permission=PAYS_BACK,
    ),
    StaffAction(
        "deny",
        gettext_lazy("Deny"),
        gettext_lazy("Confirms what the rules deny, or denies by an established fact. Without either it is refused."),
        TellForm,
        _waits,
        _deny,
        is_danger=True,
    ),
    StaffAction(
        "ask",
        gettext_lazy("Ask for more"),
        gettext_lazy("Asks the customer for evidence; without it the claim lapses after the days of the terms."),
        TellForm,
        _waits,
        _ask,
    ),
    *OTHER_ACTIONS,
    StaffAction(
        "supplier",
        gettext_lazy("Supplier's answer"),
        gettext_lazy("Write down what it said; the rules are asked again with it."),
        SupplierAnswerForm,
        _waits,
        _supplier,
    ),
    StaffAction(
        "fact",
        gettext_lazy("Record a fact"),
        gettext_lazy("About the order or its device, alleged or established, with its evidence."),
        FactForm,
        lambda claim: claim.state in OPEN_CLAIMS,
        _record,
    ),
    StaffAction(
        "take-back",
        gettext_lazy("Take a fact back"),
        gettext_lazy("It turned out wrong. It stays on record and counts no longer."),
        WithdrawFactForm,
        lambda claim: known_facts(claim.order).exists(),
        _withdraw,
    ),
    StaffAction(
        "reopen",
        gettext_lazy("Take up again"),
        gettext_lazy("Something new came in: the claim goes back to staff."),
        LogForm,
        lambda claim: claim.state in {S.DENIED, S.LAPSED},
        _reopen,
    ),
    StaffAction(
        "pay-again",
        gettext_lazy("Pay again"),
        gettext_lazy("Asks for the refund once more, past what held it up."),
        LogForm,
        lambda claim: claim.state == S.APPROVED and bool(claim.trouble) and claim.amount > 0,
        _pay_again,
        is_danger=True,
        permission=PAYS_BACK,
    ),
    StaffAction(
        "paid-by-hand",
        gettext_lazy("Paid in another way"),
        gettext_lazy("You have sent the money past the provider. It is booked, and the customer is told."),
        PaidByHandForm,
        lambda claim: claim.state == S.APPROVED and bool(claim.trouble) and claim.amount > 0,
        _pay_by_hand,
        is_danger=True,
        permission=PAYS_BACK,
    ),
    StaffAction(
        "settle",
        gettext_lazy("Settled without money"),
        gettext_lazy("You exchanged it, or nothing is owed any more. Nothing is sent or booked."),
        LogForm,
        _is_by_hand,
        _settle,
    ),
)
