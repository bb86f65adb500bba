"""Mail through SendGrid's v3 API with the ``sendgrid`` library."""

from __future__ import annotations

import json
import urllib.error
from http.client import HTTPException
from typing import Final

from django.conf import settings
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Category, CustomArg, From, Mail, ReplyTo, To

from orders.mailing import MailMessage
from unlockshop.kernel.errors import OutcomeUnknown, Refused, Retryable

TIMEOUT_SECONDS: Final = 20


class SendGridTransport:
    """Sends one message to one recipient. ``SENDGRID_HOST`` may point at the demo mailbox."""

    def send(self, message: MailMessage) -> str:
        """Send; returns SendGrid's message id. Errors as in ``orders.mailing.MailTransport``."""
        client = SendGridAPIClient(settings.SENDGRID_API_KEY, host=settings.SENDGRID_HOST)
        client.client.timeout = TIMEOUT_SECONDS
        mail = Mail(
            from_email=From(settings.MAIL_FROM, settings.SHOP_NAME),
            to_emails=To(message.to),
            subject=message.subject,
            plain_text_content=message.text,
            html_content=message.html,
        )
        if message.reply_to:
            mail.reply_to = ReplyTo(message.reply_to, settings.SHOP_NAME)
        mail.add_category(Category(message.category))
        mail.add_custom_arg(CustomArg("mail_id", message.mail_id))
        try:
            response = client.send(mail)
        except HTTPError as error:
            raise _classified(error.status_code) from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ConnectionRefusedError):
                raise Retryable("SendGrid does not accept connections") from error
            raise OutcomeUnknown(f"no answer from SendGrid: {error.reason}") from error
        except (OSError, HTTPException) as error:
            raise OutcomeUnknown(f"no answer from SendGrid: {type(error).__name__}") from error
        if response.status_code != 202:
            raise _classified(response.status_code)
        return str(response.headers.get("X-Message-Id", ""))

    def was_accepted(self, mail_id: str) -> bool | None:
        """Ask the Email Activity API (an add-on at SendGrid) for a message with our ``mail_id``.

        None where the account may not ask. Raises ``Retryable`` when there is no answer just now.
        """
        client = SendGridAPIClient(settings.SENDGRID_API_KEY, host=settings.SENDGRID_HOST)
        client.client.timeout = TIMEOUT_SECONDS
        query = {"limit": 1, "query": f"(unique_args['mail_id']=\"{mail_id}\")"}
        try:
            found = json.loads(client.client.messages.get(query_params=query).body)["messages"]
        except HTTPError as error:
            if error.status_code == 429 or error.status_code >= 500:
                raise Retryable(f"SendGrid answered {error.status_code}") from error
            return None
        except (OSError, HTTPException) as error:
            raise Retryable(f"no answer from SendGrid: {type(error).__name__}") from error
        except (ValueError, KeyError, TypeError):
            return None
        return bool(found) if isinstance(found, list) else None


def _classified(status: int) -> Exception:
    if status == 429:
        return Retryable("SendGrid asks to slow down (429)")
    if 400 <= status < 500:
        return Refused(f"SendGrid refused the mail ({status})", code=f"http_{status}")
    return OutcomeUnknown(f"SendGrid answered {status}")
