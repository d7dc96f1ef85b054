-- Members show that they hold the keys that their organisations name (sealing.md 2.10, purpose 1).

CREATE TABLE bidding.possession (
    member_key  bytea       NOT NULL REFERENCES bidding.member_key (sid),
    nonce       bytea       NOT NULL,
    asked_at    timestamptz NOT NULL,
    expected    text        NOT NULL,
    wrap        bytea       NOT NULL,
    answered_at timestamptz,
    PRIMARY KEY (member_key, nonce)
);
COMMENT ON TABLE bidding.possession IS
    'Questions to the holders of member keys. answered_at: when the right answer came.';
CREATE INDEX possession_answered ON bidding.possession (member_key, answered_at);
GRANT SELECT, INSERT ON bidding.possession TO sunbid_bidding;
GRANT UPDATE (answered_at) ON bidding.possession TO sunbid_bidding;

-- Whoever names another's opening key cannot answer for it, and must not keep its owner out; the
-- signing key stays unique, for it signs its own registration.
ALTER TABLE bidding.member_key DROP CONSTRAINT member_key_kid_key;
CREATE INDEX member_key_uscc ON bidding.member_key (uscc, not_after);
