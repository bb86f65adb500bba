"""The parts of a claim's staff page below its facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from refunds.judging import Ruling, what_would_change
from refunds.models import Claim, ClaimEvent
from refunds.order_facts import known_facts
from refunds.policy.rendering import ClauseLine
from refunds.states import ClaimEventKind
from unlockshop.kernel.staff_parts import Cell, Section, Table, change_url, moment

TABLE = "admin/parts/table.html"


def of_claim(claim: Claim, ruling: Ruling, rules_cell: Callable[[Ruling], Cell]) -> Sequence[Section]:
    """All of them. The place of a video is behind the customer's words."""
    return [
        _rules(ruling, rules_cell),
        _known(claim),
        Section(_("What the customer wrote"), "admin/parts/pre.html", claim.text or "—"),
        *evidence(ruling),
        _deadlines(ruling),
        _history(claim),
        _story(claim),
        _tried(ruling),
    ]


def evidence(ruling: Ruling) -> Sequence[Section]:
    """What a video must show, where one is asked for."""
    rows = [_clause(line) for line in ruling.must_be_shown]
    return [Section(_("What a video must show"), TABLE, Table([_("Clause"), _("Says")], rows))] if rows else []


def _rules(ruling: Ruling, rules_cell: Callable[[Ruling], Cell]) -> Section:
    rows = [[rules_cell(ruling), Cell("")]]
    rows += [_clause(line) for line in ruling.clauses]
    rows += [[Cell(_("would change it"), tone="neutral"), Cell(each.text)] for each in what_would_change(ruling)]
    return Section(_("What the rules say now"), TABLE, Table([_("Clause"), _("Says")], rows))


def _clause(line: ClauseLine) -> list[Cell]:
    address = reverse("refund-rules-version", args=line.terms)
    return [Cell(line.id, f"{address}#{line.id}", is_code=True), Cell(line.sentence)]


def _known(claim: Claim) -> Section:
    rows = [
        [
            Cell(fact.get_name_display(), change_url(fact)),
            Cell(fact.get_standing_display(), tone="info" if fact.standing == "established" else "warning"),
            Cell(_("this order") if fact.order_id else _("the device")),
            Cell(fact.evidence or "—"),
            Cell(f"{moment(fact.recorded_at)}, {fact.by_label}"),
        ]
        for fact in known_facts(claim.order)
    ]
    headers = [_("Fact"), _("How firm"), _("About"), _("Evidence"), _("Recorded")]
    return Section(_("What is known"), TABLE, Table(headers, rows, _("Nothing is recorded.")))


def _deadlines(ruling: Ruling) -> Section:
    rows = [[Cell(each.name.replace("_", " ")), Cell(moment(each.at))] for each in ruling.answer.deadlines]
    return Section(_("Deadlines"), TABLE, Table([_("What"), _("When")], rows))


def _history(claim: Claim) -> Section:
    """The customer's other claims, the newest first."""
    email = claim.order.purchase.email
    others = Claim.objects.filter(order__purchase__email=email).exclude(pk=claim.pk).select_related("order")
    rows = [
        [
            Cell(each.get_type_display(), change_url(each)),
            Cell(each.order.number, is_code=True),
            Cell(each.get_state_display()),
            Cell(each.code or each.engine_code or "—", is_code=True),
            Cell(moment(each.opened_at)),
        ]
        for each in others.defer("order__result").order_by("-pk")[:20]
    ]
    headers = [_("Claim"), _("Order"), _("State"), _("Code"), _("Opened")]
    return Section(_("Other claims of this customer"), TABLE, Table(headers, rows, _("None.")))


def _story(claim: Claim) -> Section:
    data = [
        {"sentence": _sentence(event), "event": event, "at": moment(event.at)}
        for event in claim.events.order_by("-seq")
    ]
    return Section(_("Trail"), "admin/parts/timeline.html", data)


def _sentence(event: ClaimEvent) -> str:
    said = ", ".join(f"{name}: {value}" for name, value in event.data.items() if value)
    kind = str(ClaimEventKind(event.kind).label)
    return f"{kind} ({said})" if said else kind


def _tried(ruling: Ruling) -> Section:
    rows = [
        [Cell(each.clause, is_code=True), Cell(each.rule), Cell(_("holds") if each.held else _("does not hold"))]
        for each in ruling.answer.trail
    ]
    return Section(_("Clauses tried"), TABLE, Table([_("Clause"), _("Question"), _("Answer")], rows))
