"""Only ``orders/moving.py`` writes ``Order.state``, and only the lifecycle calls it. Read off the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.helpers.sources import called_name, calls_of, sources

WRITER = "orders/moving.py"
LIFECYCLE = "orders/lifecycle.py"
# Other rows have states of their own; they are told by their names.
OTHER_ROWS = ("payment.state", "refund.state", "dispute.state", "pack.state")
OTHER_STATES = (
    "PaymentState.",
    "RefundState.",
    "DisputeState.",
    "PackState.",
    "CancelState.",
    "CancelState(",
    "CorrectionState.",
    "CorrectionState(",
    "InvestigationState.",
    "Seconding.",
    "Seconding(",
)


def writes_of_state(tree: ast.AST) -> Iterator[int]:
    """Lines that write a ``state`` which may be an order's."""
    for node in ast.walk(tree):
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            yield from (node.lineno for target in targets for name in ast.walk(target) if _is_order_state(name))
    for call in calls_of(tree):
        if _writes(call):
            yield call.lineno


def _is_order_state(target: ast.AST) -> bool:
    return isinstance(target, ast.Attribute) and target.attr == "state" and ast.unparse(target) not in OTHER_ROWS


def _writes(call: ast.Call) -> bool:
    name = called_name(call)
    if name in {"setattr", "bulk_update"} or any(keyword.arg == "update_fields" for keyword in call.keywords):
        constants = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
        return "state" in constants
    if name not in {"update", "create", "get_or_create", "update_or_create", "bulk_create"}:
        return False
    for keyword in call.keywords:
        if keyword.arg == "state":
            return not ast.unparse(keyword.value).startswith(OTHER_STATES)
        if keyword.arg in {None, "defaults"} and any(_names_state(node) for node in ast.walk(keyword.value)):
            return True
    return False


def _names_state(node: ast.AST) -> bool:
    """Whether a dictionary sets ``state`` to what may be an order's."""
    if not isinstance(node, ast.Dict):
        return isinstance(node, ast.keyword) and node.arg == "state"
    pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)]
    return any(key.value == "state" and not ast.unparse(value).startswith(OTHER_STATES) for key, value in pairs)


def test_only_moving_writes_the_state_of_an_order():
    found = {path: list(writes_of_state(tree)) for path, tree in sources().items() if path != WRITER}

    assert {path: lines for path, lines in found.items() if lines} == {}


def test_only_the_lifecycle_moves_orders():
    importers = {path for path, tree in sources().items() if any(_imports_moving(node) for node in ast.walk(tree))}

    assert importers == {LIFECYCLE}


def test_an_ended_order_is_sent_out_again_through_the_door_that_knows_its_money():
    callers = {
        path
        for path, tree in sources().items()
        for call in calls_of(tree)
        if ast.unparse(call.func) in {"lifecycle.resubmit", "resubmit"}
    }

    assert callers == {"refunds/resubmitting.py"}


def _imports_moving(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return node.module == "orders.moving" or (node.module == "orders" and "moving" in names)
    return isinstance(node, ast.Import) and any(alias.name == "orders.moving" for alias in node.names)


def test_moving_writes_it_in_one_place():
    tree = sources()[WRITER]
    writers = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and key.value == "state"
    }

    assert writers == {"_columns"}


@pytest.mark.parametrize(
    "line",
    [
        "order.state = target",
        "self.order.state, other = 1, 2",
        "Order.objects.filter(pk=1).update(state=OrderState.PAID)",
        "rows.update(**{'state': target})",
        "Order.objects.update_or_create(pk=1, defaults={'state': target})",
        "Order.objects.create(state=OrderState.PAID)",
        "setattr(order, 'state', target)",
        "order.save(update_fields=['state'])",
        "Order.objects.bulk_update(orders, ['state'])",
    ],
)
def test_a_second_writer_would_be_seen(line):
    assert list(writes_of_state(ast.parse(line))) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "payment.state = target",
        "Payment.objects.filter(pk=1).update(state=PaymentState.OPEN)",
        "Order.objects.filter(state=OrderState.PAID).update(polls=1)",
        "order.state == target",
    ],
)
def test_reading_it_is_no_write(line):
    assert list(writes_of_state(ast.parse(line))) == []


def test_only_claim_moving_writes_the_state_of_a_claim():
    """Nobody else changes rows of claims at all: neither by an update nor by saving one."""
    found = {
        path
        for path, tree in sources().items()
        for call in calls_of(tree)
        if called_name(call) in {"update", "create", "save", "bulk_create", "update_or_create", "get_or_create"}
        and ast.unparse(call.func).startswith(("Claim.objects", "Claim(", "claim.save"))
    }

    assert found == {"refunds/claim_moving.py"}
