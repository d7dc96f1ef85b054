-- A member reads who the bidders are only after its technical marks stand, and then they stay.

ALTER TABLE experts.seat ADD COLUMN unblinded_at timestamptz;
COMMENT ON COLUMN experts.seat.unblinded_at IS
    'When this member opened the qualification volumes, which name the bidders; from then on its
technical marks are frozen.';
