-- A lot whose deadline moves later, alone or together with new opening keys (sealing.md 1.5, 7.3).

CREATE TABLE bidding.postponement (
    schedule     bytea       PRIMARY KEY CHECK (length(schedule) = 32),
    lot          uuid        NOT NULL REFERENCES bidding.lot (id),
    opening_keys bytea       CHECK (length(opening_keys) = 32),
    reason       text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    old_deadline timestamptz NOT NULL,
    new_deadline timestamptz NOT NULL CHECK (new_deadline > old_deadline),
    proposed_by  text        NOT NULL,
    proposed_at  timestamptz NOT NULL,
    in_force_at  timestamptz CHECK (in_force_at < old_deadline)
);
COMMENT ON TABLE bidding.postponement IS
    'Proposed postponements of a lot; in force once buyer and supervisor signed every paper of it.';
COMMENT ON COLUMN bidding.postponement.opening_keys IS
    'New opening keys that come with it: bids sealed for the older ones are void from then on';
CREATE INDEX postponement_of_lot ON bidding.postponement (lot, proposed_at);

GRANT SELECT, INSERT ON bidding.postponement TO sunbid_bidding;
GRANT UPDATE (in_force_at) ON bidding.postponement TO sunbid_bidding;
