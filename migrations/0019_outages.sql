-- Outages are read from the times of ticks; the supervisor may stop a lot before any key is released.

CREATE INDEX ledger_entry_time ON foundation.ledger_entry (substring(leaf FROM 2 FOR 8));

ALTER TABLE bidding.opening
    DROP CONSTRAINT opening_decided_check,
    ADD CONSTRAINT opening_decided_check CHECK (decided IN ('go-on', 'terminated', 'stopped'));
COMMENT ON COLUMN bidding.opening.decided IS
    'How the supervisor ended a suspension (terminated is final), or stopped the lot before phase 3.';
