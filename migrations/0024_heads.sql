-- Header and wraps outlive the file: a part that is destroyed keeps no lot from being closed.

CREATE TABLE bidding.head (
    act         bytea NOT NULL REFERENCES bidding.act (sid),
    header_hash text  NOT NULL,
    header      bytea NOT NULL,
    wraps       bytea NOT NULL,
    PRIMARY KEY (act, header_hash)
);
COMMENT ON TABLE bidding.head IS
    'Header and wraps of the envelopes of accepted acts, as checked. They name no bidder.';
GRANT SELECT, INSERT ON bidding.head TO sunbid_bidding;
