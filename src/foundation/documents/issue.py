"""What a service calls to issue a document: set it and sign it, off the event loop."""

import asyncio

from foundation.documents.font import Typeface
from foundation.documents.layout import render
from foundation.documents.model import Document
from foundation.documents.signing import DocumentKey, sign_pdf


async def issue(
    document: Document,
    *,
    face: Typeface,
    key: DocumentKey,
    reason: str,
    timestamp_url: str | None = None,
) -> bytes:
    """The document as a signed PDF, dated by its own time; refuses a key without a certificate."""

    def work() -> bytes:
        return sign_pdf(
            render(document, face),
            key,
            at=document.made_at,
            reason=reason,
            timestamp_url=timestamp_url,
        )

    return await asyncio.to_thread(work)
