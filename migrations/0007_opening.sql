-- Closing, phases, releases, results and the record of an opening (one stage in this version).

CREATE TABLE bidding.opening (
    lot           uuid        PRIMARY KEY REFERENCES bidding.lot (id),
    closed_at     timestamptz NOT NULL,
    closed_tick   bigint      NOT NULL,
    cut           uuid        REFERENCES foundation.ledger_queue (id),
    closing       bytea,
    list_root     bytea,
    phase         text        NOT NULL DEFAULT 'closed'
                  CHECK (phase IN ('closed', 'phase1', 'phase2', 'phase3', 'phase4',
                                   'suspended', 'record', 'done')),
    phase_at      timestamptz,
    phase_until   timestamptz,
    remedy_start  bytea,
    record        bytea,
    recorded_at   timestamptz
);
COMMENT ON TABLE bidding.opening IS
    'Where the opening of a lot stands. A phase never goes back.';
COMMENT ON COLUMN bidding.opening.closed_tick IS
    'Ledger size at the closing: the cut is queued only after a tick that began later.';

CREATE TABLE bidding.listed (
    lot         uuid NOT NULL REFERENCES bidding.lot (id),
    tree        text NOT NULL,
    submission  uuid NOT NULL,
    act         bytea NOT NULL REFERENCES bidding.act (sid),
    seq         int  NOT NULL,
    volume      text NOT NULL,
    header_hash text NOT NULL,
    wraps_hash  text NOT NULL,
    size        bigint NOT NULL,
    upload      uuid NOT NULL REFERENCES bidding.upload (id),
    header      bytea NOT NULL,
    wraps       bytea NOT NULL,
    blob        text NOT NULL DEFAULT 'unread' CHECK (blob IN ('unread', 'whole', 'missing',
                                                               'corrupt')),
    b_value     bytea,
    b_from      text CHECK (b_from IN ('bidder', 'remedy', 'cure')),
    b_at        timestamptz,
    t_value     bytea,
    PRIMARY KEY (lot, tree),
    UNIQUE (lot, submission, volume)
);
COMMENT ON TABLE bidding.listed IS 'The envelopes that the closing lists, with their two halves.';

CREATE TABLE bidding.share_check (
    lot          uuid NOT NULL,
    group_letter text NOT NULL CHECK (group_letter IN ('T', 'R')),
    seat_index   int  NOT NULL,
    tree         text NOT NULL,
    result       text NOT NULL CHECK (result IN ('ok', 'unwrap_failed', 'mismatch')),
    PRIMARY KEY (lot, group_letter, seat_index, tree),
    FOREIGN KEY (lot, tree) REFERENCES bidding.listed (lot, tree)
);

CREATE TABLE bidding.share (
    lot          uuid  NOT NULL,
    group_letter text  NOT NULL CHECK (group_letter IN ('T', 'R')),
    seat_index   int   NOT NULL,
    tree         text  NOT NULL,
    value        bytea NOT NULL CHECK (length(value) = 32),
    PRIMARY KEY (lot, group_letter, seat_index, tree),
    FOREIGN KEY (lot, tree) REFERENCES bidding.listed (lot, tree)
);
COMMENT ON TABLE bidding.share IS 'Released shares that match their commitments.';

CREATE TABLE bidding.result (
    lot          uuid NOT NULL,
    tree         text NOT NULL,
    submission   uuid NOT NULL,
    volume       text NOT NULL,
    code         text NOT NULL,
    fault        text NOT NULL,
    b_from       text,
    deal_wrong   jsonb NOT NULL,
    plain_sha256 text,
    PRIMARY KEY (lot, tree),
    FOREIGN KEY (lot, tree) REFERENCES bidding.listed (lot, tree)
);
COMMENT ON TABLE bidding.result IS 'How each envelope came out; written once, in phase 4.';
CREATE TRIGGER result_is_append_only
    BEFORE UPDATE OR DELETE ON bidding.result
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE bidding.opened_bid (
    lot          uuid NOT NULL REFERENCES bidding.lot (id),
    submission   uuid NOT NULL,
    uscc         text NOT NULL,
    name         text NOT NULL,
    items        jsonb NOT NULL,
    files        jsonb NOT NULL,
    machine_code text,
    PRIMARY KEY (lot, submission)
);
COMMENT ON TABLE bidding.opened_bid IS
    'Bids whose every volume was opened. files: volume to the files inside, as object keys.';

GRANT SELECT, INSERT, UPDATE ON bidding.opening, bidding.listed TO sunbid_bidding;
GRANT SELECT, INSERT ON bidding.share_check, bidding.share, bidding.result, bidding.opened_bid
   TO sunbid_bidding;

CREATE VIEW bidding.v_opened_bid AS
    SELECT b.lot, b.submission, b.uscc, b.name, b.items, b.files, b.machine_code
      FROM bidding.opened_bid AS b
      JOIN bidding.lot AS l ON l.id = b.lot
     WHERE l.status IN ('recorded', 'evaluating', 'evaluated', 'standstill', 'awarded',
                        'contracted', 'failed');
COMMENT ON VIEW bidding.v_opened_bid IS 'Opened bids, once the record of the opening is signed.';
GRANT SELECT ON bidding.v_opened_bid TO sunbid_bidding, sunbid_experts, sunbid_supervision;

CREATE VIEW bidding.v_closing AS
    SELECT lot, closing, closed_at
      FROM bidding.opening
     WHERE closing IS NOT NULL;
GRANT SELECT ON bidding.v_closing TO sunbid_bidding, sunbid_experts, sunbid_supervision;
