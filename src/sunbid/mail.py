"""Mail to those who want to be told of a change: one text for all, which names no tender.

Mail passes through machines of others: who reads it there learns that somebody follows something.
"""

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Self

from foundation.problems import Unavailable
from foundation.settings import LOOPBACK, Settings

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 20.0
SUBJECT: Final = "阳光标：项目变更提醒 / Sunbid: something changed"
TEXT: Final = """\
您下载过招标文件的项目有变更（截止时间或开标密钥）。为保密，邮件不写项目名称，请到网站查看：
{address}

Something changed in a tender whose documents you took: its deadline or its opening keys. This mail
does not say which one, for others may read it. All changes stand at the address above.
"""


class MailAway(Unavailable):
    """Mail cannot be sent now."""

    code = "mail-away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """Hands mail to the relay of the settings; `changes` is the page that the text names."""

    host: str
    port: int
    sender: str
    changes: str

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The mailer of the settings, None where they name no relay."""
        if settings.mail_relay is None:
            return None
        host, _, port = settings.mail_relay.rpartition(":")
        return cls(
            host=host.strip("[]"),
            port=int(port),
            sender=settings.mail_from,
            changes=f"{settings.public_url}/changes",
        )

    async def __call__(self, addresses: Sequence[str]) -> None:
        """Send one mail to each address, by itself; refuses when the relay does not answer."""
        try:
            refused = await asyncio.to_thread(self._send, addresses)
        except (OSError, smtplib.SMTPException) as error:
            # Its own words may hold an address.
            raise MailAway(f"the mail relay failed: {type(error).__name__}") from None
        if refused:
            log.warning("the mail relay refused some addresses")

    def _send(self, addresses: Sequence[str]) -> bool:
        refused = False
        with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as relay:
            if self.host not in LOOPBACK:
                relay.starttls(context=ssl.create_default_context())
            for address in addresses:
                try:
                    relay.send_message(self._mail(address))
                except smtplib.SMTPRecipientsRefused:
                    refused = True
        return refused

    def _mail(self, address: str) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = SUBJECT, self.sender, address
        mail.set_content(TEXT.format(address=self.changes))
        return mail
