"""All pages of the platform, by area; the application takes their routes from here."""

from typing import Final

import sunbid.web.awards
import sunbid.web.bids
import sunbid.web.changes
import sunbid.web.clues
import sunbid.web.co_signing
import sunbid.web.console_acts
import sunbid.web.consoles
import sunbid.web.custody
import sunbid.web.halls
import sunbid.web.mandates
import sunbid.web.notices
import sunbid.web.panels
import sunbid.web.papers
import sunbid.web.printed
import sunbid.web.releases
import sunbid.web.sealing
import sunbid.web.verification

routes: Final = [
    *sunbid.web.notices.routes,
    *sunbid.web.changes.routes,
    *sunbid.web.bids.routes,
    *sunbid.web.mandates.routes,
    *sunbid.web.sealing.routes,
    *sunbid.web.co_signing.routes,
    *sunbid.web.releases.routes,
    *sunbid.web.clues.routes,
    *sunbid.web.custody.routes,
    *sunbid.web.console_acts.routes,
    *sunbid.web.consoles.routes,
    *sunbid.web.halls.routes,
    *sunbid.web.panels.routes,
    *sunbid.web.awards.routes,
    *sunbid.web.papers.routes,
    *sunbid.web.printed.routes,
    *sunbid.web.verification.routes,
]
