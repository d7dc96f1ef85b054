-- Mandates (授权): a company lets a colleague's key act for it.

CREATE TABLE bidding.mandate (
    sid            bytea       PRIMARY KEY CHECK (length(sid) = 32),
    owner          bytea       NOT NULL CHECK (length(owner) = 32),
    kid            text        NOT NULL CHECK (length(kid) = 16),
    sealed         bytea       NOT NULL,
    queue          uuid        NOT NULL REFERENCES foundation.ledger_queue (id),
    accepted_at    timestamptz NOT NULL,
    revoked_at     timestamptz CHECK (revoked_at >= accepted_at),
    revocation     bytea,
    revoke_queue   uuid        REFERENCES foundation.ledger_queue (id),
    CONSTRAINT mandate_revocation_is_whole CHECK (
        (revoked_at IS NULL) = (revocation IS NULL)
        AND (revoked_at IS NULL) = (revoke_queue IS NULL))
);
COMMENT ON TABLE bidding.mandate IS
    'Mandates of companies. One may name the tender that a company will bid for, so the statements '
    'are sealed to a key outside the database and the owner stands here as an HMAC under that key.';
CREATE INDEX mandate_of_owner ON bidding.mandate (owner);
CREATE INDEX mandate_of_key ON bidding.mandate (kid);

-- A mandate is written once and revoked once.
CREATE FUNCTION bidding.check_mandate_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.sid, NEW.owner, NEW.kid, NEW.sealed, NEW.queue, NEW.accepted_at)
       IS DISTINCT FROM
       (OLD.sid, OLD.owner, OLD.kid, OLD.sealed, OLD.queue, OLD.accepted_at)
       OR (OLD.revoked_at IS NOT NULL
           AND (NEW.revoked_at, NEW.revocation, NEW.revoke_queue)
               IS DISTINCT FROM (OLD.revoked_at, OLD.revocation, OLD.revoke_queue))
    THEN
        RAISE EXCEPTION 'a mandate is written once and revoked once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mandate_is_written_once';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER mandate_is_written_once
    BEFORE UPDATE ON bidding.mandate
    FOR EACH ROW EXECUTE FUNCTION bidding.check_mandate_change();
CREATE TRIGGER mandate_is_never_deleted
    BEFORE DELETE ON bidding.mandate
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

GRANT SELECT, INSERT, UPDATE ON bidding.mandate TO sunbid_bidding;
