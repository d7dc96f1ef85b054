-- The suite in which a lot's bids are sealed; chosen with the draft, fixed by the opening keys.
ALTER TABLE bidding.lot
    ADD COLUMN suite text NOT NULL DEFAULT 'INTL-1' CHECK (suite IN ('INTL-1', 'GM-1'));
