"""All numbered checks over one package: this is what `sunbid verify` runs.

No network and no code of the platform: only this folder, the standard library and
`cryptography` decide.
"""

from typing import IO, Final

from sunbid.verify import (
    award,
    bids,
    closing,
    drawing,
    evaluation,
    log,
    opening,
    outcomes,
    ranking,
    records,
)
from sunbid.verify.evidence import Evidence
from sunbid.verify.ledger import Policy, read_policy
from sunbid.verify.package import read_package
from sunbid.verify.report import RULES, Check, Rule, run

# Importing a module registers its checks; naming them here says which ones belong.
MODULES: Final = (
    records,
    log,
    bids,
    closing,
    opening,
    outcomes,
    drawing,
    evaluation,
    ranking,
    award,
)


def rules() -> list[Rule]:
    """Return the checks in the order of their numbers."""
    own = {module.__name__ for module in MODULES}
    return sorted(
        (rule for rule in RULES if rule.body.__module__ in own), key=lambda rule: int(rule.id[1:])
    )


def verify_package(source: IO[bytes], policy: bytes | None = None) -> list[Check]:
    """Run every check over a package; without a policy the package's own keys are used.

    Refuses (ValueError) only a policy that cannot be read; a package never raises.
    """
    given = None if policy is None else read_policy(policy)
    package = read_package(source)
    evidence = Evidence(package, given or Policy(), policy_given=given is not None)
    return [run(rule, evidence) for rule in rules()]
