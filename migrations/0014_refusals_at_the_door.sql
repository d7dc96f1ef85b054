-- Which signed refusals belong to which bidder, for acts that were never taken in.

CREATE TABLE bidding.door_refusal (
    act        bytea       NOT NULL CHECK (length(act) = 32),
    code       text        NOT NULL,
    refusal    bytea       NOT NULL CHECK (length(refusal) = 32),
    lot        uuid        NOT NULL REFERENCES bidding.lot (id),
    round      int         NOT NULL,
    bidder_key bytea       NOT NULL CHECK (length(bidder_key) = 32),
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (act, code)
);
COMMENT ON TABLE bidding.door_refusal IS
    'Acts that were refused before the intake, under the bidder''s key as in bidding.act: only who '
    'holds that bidder''s token is shown them. The same act refused again gets the same refusal.';
CREATE INDEX door_refusal_of_bidder ON bidding.door_refusal (lot, round, bidder_key);

GRANT SELECT, INSERT ON bidding.door_refusal TO sunbid_bidding;
