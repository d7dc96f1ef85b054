-- Bidders may co-sign the record; a paper that an objection overtook waits no more.

ALTER TABLE foundation.paper_signer ADD COLUMN optional boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN foundation.paper_signer.optional IS
    'May sign while the paper waits; the paper is complete without this signature.';

ALTER TABLE foundation.paper ADD COLUMN withdrawn_at timestamptz;
COMMENT ON COLUMN foundation.paper.withdrawn_at IS
    'Another paper took its place; nobody signs this one any more.';
