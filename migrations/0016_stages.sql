-- An opening in stages (双信封): which stage runs, to which stage an envelope belongs, one record each.

ALTER TABLE bidding.opening
    ADD COLUMN stage int NOT NULL DEFAULT 1 CHECK (stage BETWEEN 1 AND 4);
COMMENT ON COLUMN bidding.opening.stage IS
    'The stage that runs or ran last; phase, windows, remedy list and record are those of it.';
COMMENT ON TABLE bidding.opening IS
    'Where the opening of a lot stands. Within a stage a phase never goes back.';

ALTER TABLE bidding.listed ADD COLUMN stage int CHECK (stage BETWEEN 1 AND 4);
UPDATE bidding.listed SET stage = 1;
COMMENT ON COLUMN bidding.listed.stage IS
    'The stage that opens the envelope; NULL while none was begun for it, and for ever if left out.';

CREATE TABLE bidding.opened_stage (
    lot         uuid        NOT NULL REFERENCES bidding.opening (lot),
    stage       int         NOT NULL,
    record      bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (lot, stage)
);
COMMENT ON TABLE bidding.opened_stage IS 'The signed record of each stage.';
INSERT INTO bidding.opened_stage (lot, stage, record, recorded_at)
SELECT lot, 1, record, recorded_at
  FROM bidding.opening
 WHERE record IS NOT NULL;

ALTER TABLE bidding.opened_bid ADD COLUMN is_complete boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN bidding.opened_bid.is_complete IS
    'Every volume of the lot was opened; false after a first stage, and for ever if left out.';
COMMENT ON TABLE bidding.opened_bid IS
    'Bids of which every volume of a stage was opened. files: volume to files, as object keys.';
CREATE OR REPLACE VIEW bidding.v_opened_bid AS
    SELECT b.lot, b.submission, b.uscc, b.name, b.items, b.files, b.machine_code
      FROM bidding.opened_bid AS b
      JOIN bidding.lot AS l ON l.id = b.lot
     WHERE b.is_complete
       AND l.status IN ('recorded', 'evaluating', 'evaluated', 'standstill', 'awarded',
                        'contracted', 'failed');

GRANT SELECT, INSERT ON bidding.opened_stage TO sunbid_bidding;
GRANT UPDATE (items, files, machine_code, is_complete) ON bidding.opened_bid TO sunbid_bidding;
