"""`python -m sunbid`: the installed command without its script."""

import sys

from sunbid.cli import main

sys.exit(main())
