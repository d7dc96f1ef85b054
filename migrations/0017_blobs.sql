-- Sealed files are read back after the intake too; a damaged one has a window for being supplied again.

ALTER TABLE bidding.upload
    ADD COLUMN blob text NOT NULL DEFAULT 'unread'
    CHECK (blob IN ('unread', 'whole', 'missing', 'corrupt'));
COMMENT ON COLUMN bidding.upload.blob IS
    'What reading the stored parts back found, once an act named the upload.';

ALTER TABLE bidding.listed ADD COLUMN blob_until timestamptz;
COMMENT ON COLUMN bidding.listed.blob_until IS
    'Until when phase 4 waits for a damaged file to be supplied again (w3, at least 900 s).';
