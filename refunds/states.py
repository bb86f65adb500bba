"""The states of a claim, what customers can claim, what can be established, and the one table of legal moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class ClaimState(models.TextChoices):
    """Where a claim is. The first three wait for somebody who has a due date; ``APPROVED`` waits for its money."""

    WAITING_STAFF = "waiting_staff", _("With our staff")
    WAITING_CUSTOMER = "waiting_customer", _("Waiting for the customer")
    WAITING_SUPPLIER = "waiting_supplier", _("Waiting for the supplier")
    APPROVED = "approved", _("Approved, money due")
    SETTLED = "settled", _("Approved and settled")
    DENIED = "denied", _("Denied")
    LAPSED = "lapsed", _("Lapsed: nothing was sent in")
    WITHDRAWN = "withdrawn", _("Withdrawn by the customer")


S = ClaimState

WAITING: Final = frozenset({S.WAITING_STAFF, S.WAITING_CUSTOMER, S.WAITING_SUPPLIER})
# At most one claim of an order and type is in one of these.
OPEN_CLAIMS: Final = WAITING | {S.APPROVED}
# A decision was told; it carries a code and clauses.
DECIDED: Final = frozenset({S.APPROVED, S.SETTLED, S.DENIED})

TRANSITIONS: Final[Mapping[ClaimState, frozenset[ClaimState]]] = {
    **{state: (WAITING - {state}) | {S.APPROVED, S.DENIED, S.LAPSED, S.WITHDRAWN} for state in WAITING},
    # A second code may bring nothing.
    S.APPROVED: frozenset({S.SETTLED, S.WAITING_STAFF}),
    # A refund may come back from the bank.
    S.SETTLED: frozenset({S.APPROVED}),
    # What was denied or lapsed is taken up again when staff or the profile say so.
    S.DENIED: frozenset({S.WAITING_STAFF}),
    S.LAPSED: frozenset({S.WAITING_STAFF}),
    S.WITHDRAWN: frozenset(),
}


def is_legal(old: str, new: str) -> bool:
    """Whether the table allows the move."""
    return ClaimState(new) in TRANSITIONS[ClaimState(old)]


class ClaimType(models.TextChoices):
    """What a customer can claim, in the words of the order page. ``OUTCOME`` is the shop's own look at an order."""

    NOT_WORKING = "not_working", _("The code or unlock does not work")
    NO_RESULT = "no_result", _("I paid and got no result")
    LATE = "late", _("It takes longer than promised")
    STUCK = "stuck", _("The order does not move: ask the supplier to verify it")
    WRONG_DATA = "wrong_data", _("I entered wrong data")
    RESULT_DIFFERS = "result_differs", _("The report does not fit the device")
    WRONG_SERVICE = "wrong_service", _("I got something else than I ordered")
    RELOCKED = "relocked", _("The phone is locked again")
    CANNOT_COMPLETE = "cannot_complete", _("I cannot enter the code")
    ACTIVATION_LOCK = "activation_lock", _("The phone asks for an account or activation lock")
    ITUNES_ACTIVATION = "itunes_activation", _("The computer cannot activate the phone")
    INCOMPATIBLE = "incompatible_network", _("The phone does not work with my network")
    CHANGE_OF_MIND = "change_of_mind", _("I do not want it any more")
    OTHER = "other", _("Something else")
    OUTCOME = "outcome", _("The shop's own look at an order that brought nothing")


class FactStanding(models.TextChoices):
    """How firm a fact is: only an established one may bar a claim."""

    ALLEGED = "alleged", _("Alleged")
    ESTABLISHED = "established", _("Established")


class FactName(models.TextChoices):
    """What can be established about an order or its device: the facts that profiles speak of."""

    ACCESS_CODES_UNKNOWN = "access_codes_unknown", _("The owner does not know the device's codes")
    ACTIVATION_LOCK = "activation_lock", _("Activation lock is on")
    ALREADY_UNLOCKED = "already_unlocked", _("Unlocked already")
    UNLOCKED_BEFORE_ORDER = "already_unlocked_before_order", _("Unlocked already before the order")
    ATTEMPTS_EXHAUSTED = "attempts_exhausted", _("All tries for entering a code were used up")
    BLACKLISTED = "blacklisted", _("Blacklisted")
    BLOCKED_AFTER_UNLOCK = "blocked_after_unlock", _("Blocked by the network after the unlock")
    BOUGHT_ELSEWHERE = "bought_elsewhere", _("Bought at another shop")
    BOUGHT_FOR_ACTIVATION_LOCK = "bought_for_activation_lock", _("Ordered in order to remove an activation lock")
    INSTRUCTIONS_IGNORED = "instructions_ignored", _("The instructions were not followed")
    MODIFIED_DEVICE = "modified_device", _("The device or its software was changed")
    NETWORK_NOT_COVERED = "network_not_covered", _("The service does not cover the network")
    NO_CODE_PROMPT = "no_code_prompt", _("The phone does not ask for a code")
    NOT_ACTIVATED = "not_activated", _("The phone was never activated")
    NOT_RESTORED_LATEST = "not_restored_latest", _("Not restored to the latest software")
    OPERATOR_DATA_DELAY = "operator_data_delay", _("The operator's data was late")
    OTHER_LOCK = "other_lock", _("The phone has another lock")
    OTHER_PROVIDER_USED = "other_provider_used", _("Another provider worked on it")
    PAYMENT_ILLEGITIMATE = "payment_illegitimate", _("Paid with somebody else's means")
    RELOCKED = "relocked", _("Locked again by the network")
    SELF_UNLOCKED = "self_unlocked", _("The owner unlocked it in another way")
    STATUS_CHANGED = "status_changed", _("The device's status changed after the report")
    STATUS_CHANGED_AFTER = (
        "status_changed_after_24h",
        _("The status changed more than a day after the report"),
    )
    UNPAID_DUES = "unpaid_dues", _("Bills for the device are unpaid")
    WRONG_EMAIL = "wrong_email", _("The e-mail address was wrong")
    WRONG_IDENTIFIER = "wrong_identifier", _("The IMEI or number was wrong")
    WRONG_PHONE_NUMBER = "wrong_phone_number", _("The phone number was wrong")
    WRONG_SERVICE = "wrong_service", _("Ordered for the wrong service or network")
    # What staff or the supplier found; they decide, and bar nothing by themselves.
    CODE_WRONG = "code_wrong", _("The supplier says that the code was wrong")
    SHOP_FAULT = "shop_fault", _("The shop delivered something else by its own fault")
    CUSTOMER_ERROR = "customer_error", _("Not found because of the customer's mistake")
    NO_CUSTOMER_ERROR = "no_customer_error", _("Not found without a mistake of the customer")
    WRONGLY_REJECTED = "wrong_rejection_eligible", _("Rejected wrongly: the device is eligible")


class ClaimEventKind(models.TextChoices):
    """What can happen to a claim."""

    OPENED = "opened", _("Opened")
    REPEATED = "repeated", _("Asked for once more; merged")
    ASSESSED = "assessed", _("Judged by the rules")
    EVIDENCE_ASKED = "evidence_asked", _("Evidence asked for")
    EVIDENCE_RECEIVED = "evidence_received", _("Evidence received")
    REMINDED = "reminded", _("Customer reminded")
    SUPPLIER_ASKED = "supplier_asked", _("Supplier asked")
    SUPPLIER_ANSWERED = "supplier_answered", _("Supplier answered")
    FACT_RECORDED = "fact_recorded", _("Fact recorded")
    FACT_WITHDRAWN = "fact_withdrawn", _("Fact withdrawn")
    FOR_STAFF = "for_staff", _("Handed to staff")
    APPROVED = "approved", _("Approved")
    DENIED = "denied", _("Denied")
    LAPSED = "lapsed", _("Lapsed")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    REOPENED = "reopened", _("Taken up again")
    REFUND_ASKED = "refund_asked", _("Refund asked for")
    TROUBLE = "trouble", _("The refund needs staff")
    SETTLED = "settled", _("Settled")
    VIDEO_REVIEWED = "video_reviewed", _("Video reviewed")
    SECOND_ASKED = "second_asked", _("Waits for a second person")
    SECOND_CONFIRMED = "second_confirmed", _("Confirmed by a second person")
    SECOND_TURNED_DOWN = "second_turned_down", _("Turned down by a second person")
    SECOND_CODE = "second_code", _("A second code is bought")
    EXCHANGED = "exchanged", _("Exchanged for another service")
    NOTE = "note", _("Note")


class VideoStage(models.TextChoices):
    """How far a claim's video is. Its file exists from ``RECEIVING`` to ``LOOKED_AT``."""

    RECEIVING = "receiving", _("Being sent")
    RECEIVED = "received", _("Received")
    LOOKED_AT = "looked_at", _("Looked at by the machine")
    ABANDONED = "abandoned", _("Never sent whole")
    DELETED = "deleted", _("Deleted")


# These have a file in the store.
KEPT_VIDEOS: Final = frozenset({VideoStage.RECEIVING, VideoStage.RECEIVED, VideoStage.LOOKED_AT})
# These can be watched.
WHOLE_VIDEOS: Final = frozenset({VideoStage.RECEIVED, VideoStage.LOOKED_AT})
# What a customer may add a video to: a claim that waits, or one that lapsed for want of it.
TAKES_VIDEO: Final = WAITING | {S.LAPSED}


class Finding(models.TextChoices):
    """What a person concludes from a video."""

    FAILURE_CONFIRMED = "failure_confirmed", _("It shows that the result does not work")
    CUSTOMER_ERROR = "customer_error", _("It shows a mistake in using it")
    PENDING = "pending", _("It cannot be told from this video")


class Seconding(models.TextChoices):
    """Where an approval above the limit is."""

    WAITING = "waiting", _("Waits for a second person")
    CONFIRMED = "confirmed", _("Confirmed")
    TURNED_DOWN = "turned_down", _("Turned down")
    OVERTAKEN = "overtaken", _("The claim was decided in another way")
