-- A suspended opening: a mark on the phase that waits, not a phase of its own, and its way out.

ALTER TABLE bidding.opening
    DROP CONSTRAINT opening_phase_check,
    ADD CONSTRAINT opening_phase_check CHECK (phase IN ('closed', 'phase1', 'phase2', 'phase3',
                                                        'phase4', 'record', 'done')),
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN decided text CHECK (decided IN ('go-on', 'terminated'));
COMMENT ON COLUMN bidding.opening.suspended_at IS
    'Since when too few members released after the window; NULL while the opening runs.';
COMMENT ON COLUMN bidding.opening.decided IS
    'How the supervisor ended a suspension; terminated is final and nothing is decrypted.';

ALTER TABLE bidding.share ADD COLUMN is_cure boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN bidding.share.is_cure IS
    'Supplied by anybody; it does not count as the release of the member itself.';
GRANT UPDATE (is_cure) ON bidding.share TO sunbid_bidding;
