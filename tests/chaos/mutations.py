"""Bugs to plant, by name: each is one mistake that a shop of this kind has made. The run must catch every one.

``--mutate NAME`` hands the name to the processes of the run; nothing outside this folder knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from tests.chaos import money_mutations
from tests.chaos.planting import replace
from unlockshop.kernel import clock
from unlockshop.kernel.errors import OutcomeUnknown, Retryable


def retry_on_timeout() -> None:
    """A call without an answer is taken for one without effect, and made again."""
    from orders import forwarding  # noqa: PLC0415

    real = forwarding.client_for

    def client_for(supplier: Any) -> Any:
        client = real(supplier)
        place = client.place

        def placing(job: Any, **options: Any) -> Any:
            try:
                return place(job, **options)
            except OutcomeUnknown as error:
                raise Retryable(str(error)) from error

        client.place = placing
        return client

    replace(forwarding, client_for=client_for)


def send_before_commit() -> None:
    """The supplier is called first; the attempt is written when it has answered."""
    from orders import forwarding  # noqa: PLC0415
    from orders.models import Order  # noqa: PLC0415
    from unlockshop.kernel.crash import crash_here  # noqa: PLC0415

    real_begin = forwarding.begin

    def forward(order_id: int) -> None:
        order = Order.objects.get(pk=order_id)
        offer = order.service.offers.select_related("supplier").first()
        if order.state != "paid" or order.next_action_at > clock.database_now():
            return
        n = order.supplier_attempts.count() + 1
        client = forwarding.client_for(offer.supplier)
        job = forwarding.JobRequest(f"{order.number}-{n}", offer.supplier_service_id, order.identifier, {})
        try:
            accepted = client.place(job)
        except OutcomeUnknown as error:
            attempt = real_begin(order_id)
            if attempt is not None:
                forwarding.record_unknown(attempt, message=str(error), actor=forwarding.SYSTEM)
            return
        except Exception:
            Order.objects.filter(pk=order_id).update(next_action_at=clock.now() + timedelta(seconds=5))
            return
        crash_here("forward.after_post_before_commit")
        attempt = real_begin(order_id)
        if attempt is not None:
            forwarding.record_accepted(attempt, accepted.supplier_order_id, actor=forwarding.SYSTEM)

    from orders import advancing  # noqa: PLC0415
    from orders.states import OrderState  # noqa: PLC0415

    replace(forwarding, forward=forward)
    advancing._STEPS[OrderState.PAID] = forward


def no_lease() -> None:
    """An attempt whose worker was lost is taken for not sent."""
    from orders import advancing, forwarding  # noqa: PLC0415
    from orders.models import SupplierAttempt  # noqa: PLC0415
    from orders.states import OrderState  # noqa: PLC0415

    def record_lost(order_id: int) -> None:
        attempt = SupplierAttempt.objects.filter(
            order_id=order_id, outcome="in_flight", lease_until__lte=clock.database_now()
        ).first()
        if attempt is not None:
            forwarding.record_not_sent(attempt, message="the worker was lost", actor=forwarding.SYSTEM)

    advancing._STEPS[OrderState.SUBMITTING] = record_lost


def mail_resend_blindly() -> None:
    """A mail whose sending has no known outcome is simply sent again."""
    from orders import mailing  # noqa: PLC0415

    replace(mailing, _look_for=mailing._send)


def webhook_ack_before_save() -> None:
    """The webhook is answered and only then handled, from memory."""
    from payments import collecting, inbox  # noqa: PLC0415
    from payments.models import Payment, WebhookDelivery  # noqa: PLC0415
    from payments.providers.registry import provider_named  # noqa: PLC0415

    def receive(provider_name: str, body: bytes, headers: Any) -> Any:
        notice = provider_named(provider_name).read_webhook(body, headers)
        payment = Payment.objects.filter(provider_ref=notice.subject_ref or "-").first()
        if payment is not None:
            collecting.settle(payment.pk)
        return WebhookDelivery(provider=provider_name, event_id=notice.event_id)

    replace(inbox, receive=receive)


def capture_unguarded() -> None:
    """Webhook, return page and sweep each book what they see, under a key of their own."""
    import uuid  # noqa: PLC0415

    from payments import collecting, ledger  # noqa: PLC0415

    real_fold, real_post = collecting.fold, ledger.post

    def settle(payment_id: int) -> Any:
        payment = collecting.Payment.objects.get(pk=payment_id)
        if payment.provider_ref is None:
            return payment
        fact = collecting.provider_named(payment.provider).fetch(payment.provider_ref)
        if payment.state == "captured":
            collecting._capture(payment)
            return payment
        return real_fold(payment_id, fact)

    replace(collecting, settle=settle)
    replace(ledger, post=lambda key, kind, **rest: real_post(f"{key}:{uuid.uuid4().hex}", kind, **rest))


def server_error_is_no() -> None:
    """HTTP 500 is taken for "nothing was bought"."""
    from orders import forwarding  # noqa: PLC0415

    real = forwarding.client_for

    def client_for(supplier: Any) -> Any:
        client = real(supplier)
        place = client.place

        def placing(job: Any, **options: Any) -> Any:
            try:
                return place(job, **options)
            except OutcomeUnknown as error:
                if client.exchanges and (client.exchanges[-1].http_status or 0) >= 500:
                    raise Retryable(str(error)) from error
                raise

        client.place = placing
        return client

    replace(forwarding, client_for=client_for)


def lease_never_ends() -> None:
    """A claim is a mere flag: whoever dies with it takes the row along."""
    from orders import mailing  # noqa: PLC0415
    from payments import inbox, refunding  # noqa: PLC0415

    for module in (mailing, inbox, refunding):
        replace(module, LEASE=timedelta(days=3650))


def mail_before_commit() -> None:
    """A mail is sent first; that it is being sent is written afterwards."""
    from orders import mailing  # noqa: PLC0415
    from unlockshop.kernel.crash import crash_here  # noqa: PLC0415

    def send(mail: Any, message: Any) -> None:
        try:
            provider_id = mailing.transport().send(message)
        except (Retryable, OutcomeUnknown) as error:
            mailing.work.retry_or_give_up(mail, str(error), cap=mailing.ATTEMPTS_CAP)
            return
        crash_here("mail.after_send")
        mailing._record_sent(mail, message, provider_id)

    replace(mailing, _send=send)


def listing_lag_ignored() -> None:
    """What the supplier does not list at once was never bought."""
    from orders import lifecycle, resolving  # noqa: PLC0415

    real = lifecycle.mark_uncertain

    def mark_uncertain(order_id: int, **rest: Any) -> Any:
        return real(order_id, **(rest | {"look_at": clock.now()}))

    replace(resolving, NEGATIVE_LOOKUPS=1)
    replace(lifecycle, mark_uncertain=mark_uncertain)


def deliver_any_device() -> None:
    """The supplier's answer is delivered without looking whose it is."""
    from orders import polling  # noqa: PLC0415

    replace(polling, _comparable=lambda identifier: "")


# Name: the bug, and the invariants of which at least one has to notice it.
MUTATIONS: Final[Mapping[str, tuple[Callable[[], None], frozenset[str]]]] = {
    "retry_on_timeout": (retry_on_timeout, frozenset({"I2", "I3"})),
    "send_before_commit": (send_before_commit, frozenset({"I2", "I3"})),
    "no_lease": (no_lease, frozenset({"I2", "I3"})),
    "mail_resend_blindly": (mail_resend_blindly, frozenset({"I6"})),
    "webhook_ack_before_save": (webhook_ack_before_save, frozenset({"I9"})),
    "server_error_is_no": (server_error_is_no, frozenset({"I2", "I3"})),
    "listing_lag_ignored": (listing_lag_ignored, frozenset({"I2", "I3"})),
    "lease_never_ends": (lease_never_ends, frozenset({"I6", "I6b", "I8", "I9", "I14"})),
    "mail_before_commit": (mail_before_commit, frozenset({"I6", "I6b"})),
    "capture_unguarded": (capture_unguarded, frozenset({"I5"})),
    "deliver_any_device": (deliver_any_device, frozenset({"I12"})),
    "refund_key_random": (money_mutations.refund_key_random, frozenset({"I5c"})),
    "events_not_unique": (money_mutations.events_not_unique, frozenset({"I9"})),
    "refund_sum_unguarded": (money_mutations.refund_sum_unguarded, frozenset({"I5c"})),
    "capture_twice": (money_mutations.capture_twice, frozenset({"I5"})),
    "dispute_loss_twice": (money_mutations.dispute_loss_twice, frozenset({"I4b", "I5d"})),
}


def plant(name: str) -> None:
    """Plant the named bug in this process; nothing for the empty name."""
    if name:
        MUTATIONS[name][0]()
