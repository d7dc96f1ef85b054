"""A token of softhsm2 for tests: keys that never come out."""

import os
import subprocess
from pathlib import Path

import pytest

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


def soft_token(folder: Path) -> str:
    """Make a token with one key for signing and unwrapping; its name, the PIN is `secret`."""
    if not MODULE.exists():
        pytest.skip("softhsm2 is not installed")
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "bidder", "--so-pin", "12345678",
         "--pin", "secret"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    lib = pkcs11.lib(str(MODULE))
    lib.reinitialize()
    with lib.get_token(token_label="bidder").open(user_pin="secret", rw=True) as session:
        curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        parameters.generate_keypair(
            store=True,
            label="opening",
            capabilities=pkcs11.MechanismFlag.SIGN
            | pkcs11.MechanismFlag.VERIFY
            | pkcs11.MechanismFlag.DERIVE,
        )
    return f"pkcs11:token=bidder;object=opening?module-path={MODULE}"
