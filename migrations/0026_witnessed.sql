-- Checkpoints that enough witnesses of the policy have cosigned: proofs lead to the newest of them.

CREATE TABLE foundation.ledger_witnessed (
    size bigint PRIMARY KEY REFERENCES foundation.ledger_checkpoint (size),
    at   timestamptz NOT NULL
);
COMMENT ON TABLE foundation.ledger_witnessed IS
    'Checkpoints whose cosignatures met the quorum of the policy, and since when';

CREATE TRIGGER ledger_witnessed_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON foundation.ledger_witnessed EXECUTE FUNCTION foundation.refuse_ledger_change();
