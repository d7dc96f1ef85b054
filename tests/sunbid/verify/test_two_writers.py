"""What the sealing client writes is what the verifier recomputes, though they share no code."""

import io
from pathlib import Path

from cryptography.hazmat.primitives import hpke

from sealing_world import BIDDER, RECOVERY, opening_keys, seal_bytes
from sunbid.verify import envelope
from sunbid.verify.canonical import sha256, unb64

PLAIN = bytes(range(256)) * 200


def test_an_envelope_of_the_sealing_client_is_recomputed_byte_for_byte(tmp_path: Path) -> None:
    keys = opening_keys()
    target, sealed = seal_bytes(tmp_path, PLAIN, keys)
    data = target.read_bytes()
    found = envelope.read_envelope(io.BytesIO(data), "bid")
    hh, oks = sha256(found.header_bytes), bytes.fromhex(keys.sid)
    assert (found.tree, hh.hex()) == (sealed.listed.tree, sealed.listed.header_hash)
    tag = envelope.bidder_tag(sealed.listed.bidder_salt, BIDDER)
    assert tag == found.header["bidder_tag"]

    suite = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    info = b"tbe1/wrap/v1\0B\0" + hh + oks
    b = suite.decrypt(unb64(found.wraps["b"][0]["ct"]), RECOVERY, info=info)
    assert envelope.commitment("T", hh, 0, sealed.t) == found.wraps["ht"]
    assert envelope.commitment("B", hh, 0, b) == found.wraps["hb"]

    members = {"T": keys.body.t, "R": keys.body.r}
    groups = {
        role: (group.k, [unb64(member.body.pk) for member in group.members])
        for role, group in members.items()
        if group is not None
    }
    groups["B"] = (1, [unb64(entry["pk"]) for entry in found.wraps["b"]])
    assert envelope.deal((sealed.t, b), hh, oks, groups).wrong(found.wraps) == []

    stream = io.BytesIO(data[found.payload_at :])
    key = envelope.input_key(sealed.t, b, hh)
    opened = envelope.open_chunks(key, hh + sha256(found.wraps_bytes), stream)
    assert b"".join(opened) == PLAIN
