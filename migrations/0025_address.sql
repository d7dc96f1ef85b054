-- Whom to tell when a published lot changes (sealing.md 1.5, 14.2): taking documents needs no name.

CREATE TABLE bidding.address (
    id     uuid  PRIMARY KEY DEFAULT gen_random_uuid(),
    lot    uuid  NOT NULL REFERENCES bidding.lot (id),
    sealed bytea NOT NULL CHECK (length(sealed) = 337)
);
COMMENT ON TABLE bidding.address IS
    'Addresses that takers of documents left, sealed so that the signer alone opens them, for a '
    'new schedule or new opening keys. No time and no name; deleted when the lot closes.';
CREATE INDEX address_of_lot ON bidding.address (lot, id);
GRANT SELECT, INSERT, DELETE ON bidding.address TO sunbid_bidding;

ALTER TABLE bidding.postponement ADD COLUMN told_at timestamptz;
COMMENT ON COLUMN bidding.postponement.told_at IS
    'When everybody who left an address was told; null where none was to be told';
GRANT UPDATE (told_at) ON bidding.postponement TO sunbid_bidding;
