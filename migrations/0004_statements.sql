-- Statements that were accepted, and papers: statements that wait for several signatures.

CREATE TABLE foundation.statement (
    sid         bytea       PRIMARY KEY CHECK (length(sid) = 32),
    type        text        NOT NULL,
    scope       uuid,
    raw         bytea       NOT NULL,
    public      boolean     NOT NULL,
    queue       uuid        REFERENCES foundation.ledger_queue (id),
    accepted_at timestamptz NOT NULL
);
COMMENT ON TABLE foundation.statement IS
    'Every accepted signed statement, byte for byte as its file; never changed afterwards.';
COMMENT ON COLUMN foundation.statement.public IS
    'True: file and leaf opening are published at once. False: with the record that settles it.';
COMMENT ON COLUMN foundation.statement.queue IS
    'The ledger entry that names it; null for statements that point to another leaf.';
CREATE INDEX statement_of_scope ON foundation.statement (scope, type, accepted_at);

CREATE FUNCTION foundation.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';
END $$;

CREATE TRIGGER statement_is_append_only
    BEFORE UPDATE OR DELETE ON foundation.statement
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE foundation.paper (
    sid          bytea       PRIMARY KEY CHECK (length(sid) = 32),
    type         text        NOT NULL,
    scope        uuid,
    raw          bytea       NOT NULL,
    offered_at   timestamptz NOT NULL,
    completed_at timestamptz
);
COMMENT ON TABLE foundation.paper IS
    'A statement that waits for signatures; raw grows by one signature at a time.';
CREATE INDEX paper_of_scope ON foundation.paper (scope, type);

CREATE TABLE foundation.paper_signer (
    sid       bytea NOT NULL REFERENCES foundation.paper (sid),
    slot      int   NOT NULL,
    role      text  NOT NULL,
    subject   text,
    kid       text,
    signed_at timestamptz,
    PRIMARY KEY (sid, slot),
    CONSTRAINT paper_signer_is_named CHECK ((subject IS NULL) <> (kid IS NULL))
);
COMMENT ON TABLE foundation.paper_signer IS
    'Who must sign a paper: an organisation by its identifier or a person by the kid of the key.';
CREATE INDEX paper_signer_waiting ON foundation.paper_signer (subject, kid) WHERE signed_at IS NULL;

GRANT SELECT, INSERT ON foundation.statement TO
    sunbid_foundation, sunbid_bidding, sunbid_experts, sunbid_supervision;
GRANT SELECT, INSERT, UPDATE ON foundation.paper, foundation.paper_signer TO
    sunbid_foundation, sunbid_bidding, sunbid_experts, sunbid_supervision;
