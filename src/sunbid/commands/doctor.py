"""Say what is wrong with this installation, and what to do about it."""

import argparse
import asyncio
import json

from foundation.problems import Refused
from foundation.settings import read_settings
from sunbid.doctor import Finding, examine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One switch: data instead of sentences."""
    parser.add_argument("--json", action="store_true", help="print the findings as data")


def run(args: argparse.Namespace) -> int:
    """1 where something is wrong."""
    try:
        findings = asyncio.run(examine(read_settings()))
    except Refused as refused:
        findings = [Finding(name="settings", ok=False, detail=refused.message)]
    is_well = all(finding.ok is not False for finding in findings)
    if args.json:
        said = [
            {"name": finding.name, "ok": finding.ok, "detail": finding.detail}
            for finding in findings
        ]
        print(json.dumps({"ok": is_well, "findings": said}, ensure_ascii=False))
    else:
        for finding in findings:
            mark = {True: "✓", False: "✗", None: "–"}[finding.ok]
            print(f"{mark} {finding.name}: {finding.detail}")
    return 0 if is_well else 1
