-- Uploads, acts (bids, replacements, withdrawals) and their tickets and receipts.

CREATE TABLE bidding.upload (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    secret_sha256 bytea       NOT NULL,
    size          bigint      NOT NULL CHECK (size > 0),
    tree          bytea       NOT NULL CHECK (length(tree) = 32),
    parts         bytea[]     NOT NULL,
    stored        boolean[]   NOT NULL,
    complete      boolean     NOT NULL DEFAULT false,
    expires_at    timestamptz NOT NULL
);
COMMENT ON TABLE bidding.upload IS
    'Sealed files in parts; no lot and no bidder stand here. Parts lie at blobs/<id>/<index>.';
CREATE TABLE bidding.upload_quota (
    session bytea  PRIMARY KEY,
    bytes   bigint NOT NULL
);
COMMENT ON TABLE bidding.upload_quota IS 'Bytes announced in one login session.';

CREATE TABLE bidding.act (
    sid            bytea       PRIMARY KEY CHECK (length(sid) = 32),
    lot            uuid        NOT NULL REFERENCES bidding.lot (id),
    round          int         NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('manifest', 'withdraw')),
    bidder_key     bytea       NOT NULL CHECK (length(bidder_key) = 32),
    submission     uuid        NOT NULL,
    seq            int         NOT NULL CHECK (seq >= 1),
    prev           bytea,
    intake_at      timestamptz NOT NULL,
    state          text        NOT NULL DEFAULT 'pending'
                               CHECK (state IN ('pending', 'accepted', 'refused')),
    opening_keys   bytea,
    envelopes      jsonb       NOT NULL,
    sealed_row     bytea       NOT NULL,
    queue          uuid        NOT NULL REFERENCES foundation.ledger_queue (id),
    ticket         bytea       NOT NULL,
    receipt        bytea,
    receipt_id     uuid        UNIQUE,
    licence_status text,
    refusal        bytea,
    statement      bytea,
    UNIQUE (lot, round, bidder_key, seq)
);
COMMENT ON TABLE bidding.act IS
    'Every act taken in before a deadline. No identity stands here in the clear before the '
    'closing: statement, chain and address are in sealed_row, which only the signer opens.';
COMMENT ON COLUMN bidding.act.statement IS 'The statement file, once identities are open.';
-- One undecided act per bidder: the second of two at once is told to wait (E_PENDING).
CREATE UNIQUE INDEX act_pending ON bidding.act (lot, round, bidder_key) WHERE state = 'pending';
CREATE INDEX act_without_receipt ON bidding.act (queue) WHERE state = 'accepted' AND receipt IS NULL;
CREATE INDEX act_of_lot ON bidding.act (lot, round);

-- An act is decided once, gets one receipt and is opened once; nothing else ever changes.
CREATE FUNCTION bidding.check_act_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.sid, NEW.lot, NEW.round, NEW.kind, NEW.bidder_key, NEW.submission, NEW.seq,
        NEW.intake_at, NEW.envelopes, NEW.sealed_row, NEW.queue, NEW.ticket)
       IS DISTINCT FROM
       (OLD.sid, OLD.lot, OLD.round, OLD.kind, OLD.bidder_key, OLD.submission, OLD.seq,
        OLD.intake_at, OLD.envelopes, OLD.sealed_row, OLD.queue, OLD.ticket)
       OR (OLD.state <> 'pending' AND NEW.state <> OLD.state)
       OR (OLD.receipt IS NOT NULL AND NEW.receipt IS DISTINCT FROM OLD.receipt)
       OR (OLD.statement IS NOT NULL AND NEW.statement IS DISTINCT FROM OLD.statement)
    THEN
        RAISE EXCEPTION 'an act is written once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'act_is_written_once';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER act_is_written_once
    BEFORE UPDATE ON bidding.act
    FOR EACH ROW EXECUTE FUNCTION bidding.check_act_change();
CREATE TRIGGER act_is_never_deleted
    BEFORE DELETE ON bidding.act
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

GRANT DELETE ON bidding.upload TO sunbid_bidding;
GRANT SELECT, INSERT, UPDATE ON bidding.upload, bidding.upload_quota, bidding.act
   TO sunbid_bidding;
