"""The predicates behind the clauses, by question. Pure: order facts and the profile's numbers in, yes or no out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from refunds.policy import periods
from refunds.policy.clause import Predicate
from refunds.policy.facts import CREDITS, OrderFacts
from refunds.policy.numbers import Numbers
from refunds.policy.points import LATE_GROUNDS
from refunds.policy.roles import Role
from unlockshop.kernel.calendars import is_past

F = OrderFacts
N = Numbers


def has_open_dispute(f: F, _n: N) -> bool:
    """A dispute that was not closed by the moment of judgement. One opened since then freezes money all the same."""
    dispute = f.payment.dispute
    return dispute is not None and (dispute.closed_at is None or dispute.closed_at > f.moment)


def has_premature_dispute(f: F, n: N) -> bool:
    """An open dispute from before the delivery time had run out."""
    due, dispute = periods.delivery_due(f, n), f.payment.dispute
    return has_open_dispute(f, n) and dispute is not None and due is not None and dispute.opened_at < due


def is_other_sender(f: F, _n: N) -> bool:
    """A cancellation that did not come from the address that ordered."""
    return f.claim.type == "cancel" and not f.customer.email_matches_order


def is_payment_stolen(f: F, _n: N) -> bool:
    """The payment is said to be made with somebody else's means."""
    return f.claim.ground == "payment_stolen" or "payment_illegitimate" in f.proven


def is_in_cancel_window(f: F, n: N) -> bool:
    """Inside the free minutes, whether or not the shop kept its own hold."""
    end = periods.cancel_window_end(f, n)
    is_over = n.cancellation.ends_with_completion and f.outcome == "completed"
    return end is not None and not is_past(f.moment, end) and not is_over


def can_answer_delay_notice(f: F, n: N) -> bool:
    """A dated delay was told and the hours to answer run, have not begun, or nothing was taken up again after them."""
    return f.delay is not None and f.delay.new_date is not None and not is_reprocessed(f, n)


def is_reprocessed(f: F, n: N) -> bool:
    """The hours for answering a delay notice have passed and the work was taken up again."""
    end = periods.delay_cancel_end(f, n)
    return end is not None and is_past(f.moment, end) and f.first("reprocessing") is not None


def is_delayed_without_date(f: F, _n: N) -> bool:
    """A delay was told and nobody knows for how long."""
    return f.delay is not None and f.delay.new_date is None


def is_before_submission(f: F, _n: N) -> bool:
    """The order had not left for the supplier."""
    return not f.is_dispatched


def is_unpaid(f: F, _n: N) -> bool:
    """No money had arrived."""
    return f.paid_at is None and not f.is_dispatched


def may_withdraw(f: F, n: N) -> bool:
    """Inside the withdrawal period, with nothing begun."""
    end = periods.withdrawal_end(f, n)
    return end is not None and not is_past(f.moment, end) and not f.is_dispatched


def may_withdraw_without_waiver(f: F, n: N) -> bool:
    """Inside the withdrawal period; work has begun although nobody gave up the right."""
    end = periods.withdrawal_end(f, n)
    in_time = end is not None and not is_past(f.moment, end)
    return in_time and f.is_dispatched and not f.customer.withdrawal_waiver


def is_too_late_to_cancel(f: F, n: N) -> bool:
    """The order has left, or the days for withdrawing have passed."""
    end = periods.withdrawal_end(f, n)
    return f.is_dispatched or end is None or is_past(f.moment, end)


def is_cancel_unanswered(f: F, _n: N) -> bool:
    """The order is with the supplier, who has not said yes or no."""
    return f.is_dispatched and f.supplier.cancel_response not in {"approved", "rejected"}


def is_asked_in_time(f: F, n: N) -> bool:
    """Inside the days for asking for a refund."""
    end = periods.request_window_end(f, n)
    return end is None or not is_past(periods.asked_at(f), end)


def is_reported_in_time(f: F, n: N) -> bool:
    """Inside the days for reporting a result that does not work."""
    end = periods.notify_end(f, n)
    return end is None or not is_past(periods.asked_at(f), end)


def is_guarantee_exceeded(f: F, n: N) -> bool:
    """More business time has passed than guaranteed, or than the date that replaced the guarantee allows."""
    end = periods.effective_guarantee_end(f, n)
    return end is not None and periods.overran(periods.clock_stopped_at(f), end, periods.calendar_of(f, n))


def is_saved_by_notice(f: F, n: N) -> bool:
    """The guarantee has passed, but the date told in a notice has not."""
    end = periods.guarantee_end(f, n)
    passed = end is not None and periods.overran(periods.clock_stopped_at(f), end, periods.calendar_of(f, n))
    return passed and periods.is_deadline_replaced(f, n) and not is_guarantee_exceeded(f, n)


def is_hard_cap_exceeded(f: F, n: N) -> bool:
    """Even the stated time with all its extra days has passed."""
    end = periods.hard_cap(f, n)
    return end is not None and periods.overran(periods.clock_stopped_at(f), end, periods.calendar_of(f, n))


def is_late_without_promise(f: F, n: N) -> bool:
    """Waiting is no ground: no promise has run out that speaks for itself or, when the customer asks, for him."""
    if is_hard_cap_exceeded(f, n):
        return False
    is_complaint = f.claim.ground in LATE_GROUNDS and not is_guarantee_exceeded(f, n)
    return f.claim.type == "supplier_event" or is_complaint


def is_not_found_cleared(f: F, _n: N) -> bool:
    """An investigation found no mistake of the customer."""
    return f.outcome == "not_found" and f.investigation == "no_customer_error"


def is_wrongly_rejected(f: F, _n: N) -> bool:
    """An investigation found that the device could have been accepted."""
    return f.outcome == "not_found" and f.investigation == "wrong_rejection_eligible"


def is_changed_after_report(f: F, n: N) -> bool:
    """What the report says changed only after the hours in which it speaks for the device."""
    end = periods.check_contest_end(f, n)
    return end is not None and f.status_changed_at is not None and is_past(f.status_changed_at, end)


def is_video_missing(f: F, n: N) -> bool:
    """No video, and there is time to send one."""
    return f.video is None and not is_video_lapsed(f, n)


def is_video_lapsed(f: F, n: N) -> bool:
    """A video was asked for and its days have passed without one."""
    end = periods.evidence_due(f, n)
    return f.video is None and f.evidence_requested_at is not None and end is not None and is_past(f.moment, end)


def is_video_small(f: F, n: N) -> bool:
    """The short side has fewer pixels than asked for; a legible video may be forgiven."""
    video, least = f.video, n.evidence.min_short_side
    if video is None or least is None or min(video.width, video.height) >= least:
        return False
    return not (n.evidence.small_is_fine_if_legible and video.imei and video.screen_text)


def reviewed_as(review: str) -> Predicate:
    """The reviewer's finding."""
    return lambda f, _n: f.video is not None and f.video.review == review


def is_verification_required(f: F, n: N) -> bool:
    """The order is stuck and nobody has asked the supplier to verify it."""
    stuck_after = periods.stuck_after(f, n)
    is_stuck = is_past(f.moment, stuck_after) if stuck_after else f.claim.ground == "stuck"
    return f.verification_submitted_at is None and is_stuck


def is_supplier_answer_awaited(f: F, n: N) -> bool:
    """Verification runs and the supplier still has time to answer."""
    due = periods.supplier_answer_due(f, n)
    return due is not None and not is_past(f.moment, due)


def is_supplier_silent(f: F, n: N) -> bool:
    """The supplier's time to answer has passed."""
    due = periods.supplier_answer_due(f, n)
    return due is not None and is_past(f.moment, due)


def is_price_match_in_time(f: F, n: N) -> bool:
    """Inside the hours for claiming a better price."""
    end = periods.price_match_end(f, n)
    return end is not None and not is_past(f.moment, end)


def is_paid_in_full(f: F, _n: N) -> bool:
    """The whole price was paid, none of it with credits."""
    has_credits = any(tender.source in CREDITS for tender in f.payment.tenders)
    return not has_credits and f.captured.amount >= f.service.price.amount


def is_covered_by_wallet(f: F, _n: N) -> bool:
    """The sum asked for is there and free."""
    if f.requested is None or f.wallet_available is None:
        return False
    return 0 < f.requested.amount <= f.wallet_available.amount


def is_bank_abroad(f: F, n: N) -> bool:
    """A transfer would have to go to a country where the shop cannot send one."""
    countries = n.refund.bank_countries
    return countries is not None and f.payment.method == "bank_transfer" and f.payment.bank_country not in countries


def outcome_in(*outcomes: str) -> Predicate:
    """How the order ended."""
    return lambda f, _n: f.outcome in outcomes


def response(answer: str) -> Predicate:
    """The supplier's answer to a cancellation."""
    return lambda f, _n: f.supplier.cancel_response == answer


PREDICATES: Final[Mapping[Role, Predicate]] = {
    Role.REFUNDED: lambda f, _n: f.is_refunded,
    Role.DISPUTE_PREMATURE: has_premature_dispute,
    Role.DISPUTE_OPEN: has_open_dispute,
    Role.CREDIT_ABUSE: lambda f, _n: f.credit_abuse,
    Role.PAYMENT_STOLEN: is_payment_stolen,
    Role.FRAUD_SUSPECTED: lambda f, _n: f.fraud_suspected,
    Role.OTHER_SENDER: is_other_sender,
    Role.CANCEL_WINDOW: is_in_cancel_window,
    Role.DELAY_NOTICE: can_answer_delay_notice,
    Role.INDEFINITE_DELAY: is_delayed_without_date,
    Role.BEFORE_SUBMISSION: is_before_submission,
    Role.UNPAID: is_unpaid,
    Role.WITHDRAWAL: may_withdraw,
    Role.WITHDRAWAL_WITHOUT_WAIVER: may_withdraw_without_waiver,
    Role.REPROCESSED: is_reprocessed,
    Role.TOO_LATE_TO_CANCEL: is_too_late_to_cancel,
    Role.SUPPLIER_APPROVED: response("approved"),
    Role.SUPPLIER_REJECTED: response("rejected"),
    Role.SUPPLIER_ASKED: is_cancel_unanswered,
    Role.REQUEST_WINDOW: is_asked_in_time,
    Role.NOTIFY_WINDOW: is_reported_in_time,
    Role.GUARANTEE_EXCEEDED: is_guarantee_exceeded,
    Role.DEADLINE_REPLACED: is_saved_by_notice,
    Role.HARD_CAP_EXCEEDED: is_hard_cap_exceeded,
    Role.LATE: is_late_without_promise,
    Role.REFUSED_BY_SHOP: outcome_in("refused"),
    Role.UNAVAILABLE: outcome_in("unavailable", "not_found", "supplier_cancelled"),
    Role.CHECK_UNAVAILABLE: outcome_in("check_unavailable", "unavailable", "not_found"),
    Role.TOPUP_FAILED: outcome_in("topup_failed"),
    Role.SUPPLIER_CANCELLED: outcome_in("supplier_cancelled"),
    Role.NOT_FOUND: outcome_in("not_found"),
    Role.NOT_FOUND_CLEARED: is_not_found_cleared,
    Role.RESUBMIT: is_wrongly_rejected,
    Role.UNLISTED_CAUSE: lambda f, _n: f.claim.ground == "other_beyond_control",
    Role.WRONG_DELIVERY: lambda f, _n: f.claim.ground == "wrong_service_delivered" and f.shop_fault,
    Role.STATUS_CHANGED: is_changed_after_report,
    Role.RESULT_DISPUTED: lambda f, _n: f.claim.ground == "result_differs" and f.outcome == "completed",
    Role.VIDEO_MISSING: is_video_missing,
    Role.VIDEO_LAPSED: is_video_lapsed,
    Role.VIDEO_SMALL: is_video_small,
    Role.VIDEO_TO_REVIEW: reviewed_as("pending"),
    Role.CUSTOMER_ERROR: reviewed_as("customer_error"),
    Role.FAILURE_CONFIRMED: reviewed_as("failure_confirmed"),
    Role.WRONG_CODE_ADMITTED: lambda f, _n: f.supplier.code_recheck == "wrong_confirmed",
    Role.SECOND_CODE: reviewed_as("failure_confirmed"),
    Role.VERIFICATION_REQUIRED: is_verification_required,
    Role.VERIFICATION_WAIT: is_supplier_answer_awaited,
    Role.SUPPLIER_SILENT: is_supplier_silent,
    Role.CORRECTION: is_cancel_unanswered,
    Role.CORRECTION_APPROVED: response("approved"),
    Role.CORRECTION_REJECTED: response("rejected"),
    Role.FULFILLED: outcome_in("completed", "not_found"),
    Role.PRICE_MATCH_IN_TIME: is_price_match_in_time,
    Role.PAID_IN_FULL: is_paid_in_full,
    Role.ADDITIONAL_PAYMENT: lambda f, _n: f.new_price is not None and f.new_price.amount >= f.captured.amount,
    Role.MOVED_ON: lambda f, _n: f.additional_payment_state == "paid",
    Role.WALLET_BALANCE: is_covered_by_wallet,
    Role.ABUSE: lambda f, _n: f.abuse_flag,
    Role.DESTINATION_IMPOSSIBLE: lambda f, _n: f.payment.destination_status == "impossible",
    Role.BANK_ABROAD: is_bank_abroad,
    Role.DUPLICATE: lambda f, _n: f.duplicate_tickets > 1,
}
