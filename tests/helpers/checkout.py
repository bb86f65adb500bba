"""Walking through the checkout with Django's test client."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client

from orders.models import Draft
from services.checklists import statements_for
from services.models import Service
from tests.factories import ADA, IMEI


def send_device(client: Client, service: Service, identifier: str = IMEI, *, query: str = "", **fields: Any) -> Any:
    """Step 1."""
    data = {"identifier": identifier, "several": "", **fields}
    return client.post(service.get_absolute_url() + query, data)


def details_of(service: Service, **changes: Any) -> dict[str, Any]:
    """A complete answer to step 2; None takes a field away."""
    ticks = {f"confirm_{statement.code}": "on" for statement in statements_for(service)}
    data = {"email": ADA, "terms": "on", **ticks, **changes}
    return {name: value for name, value in data.items() if value is not None}


def send_details(client: Client, draft: Draft, **changes: Any) -> Any:
    """Step 2."""
    return client.post(f"/checkout/{draft.token}/details/", details_of(draft.service, **changes))


def shown_on(response: HttpResponse) -> str:
    """The hidden digest of what the check page showed."""
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', response.content.decode())
    assert found
    return found[1]


def send_check(client: Client, draft: Draft, **changes: Any) -> Any:
    """Step 3: open the page and press the button."""
    address = f"/checkout/{draft.token}/check/"
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    return client.post(address, {"shown": shown_on(page), **changes})


def draft_at_check(client: Client, service: Service, identifier: str = IMEI, **fields: Any) -> Draft:
    """A draft that is ready to be paid."""
    assert send_device(client, service, identifier, **fields).status_code == 303
    draft = Draft.objects.latest("pk")
    assert send_details(client, draft).status_code == 303
    draft.refresh_from_db()
    return draft
