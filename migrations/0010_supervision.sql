-- Supervision: examinations of opened bids, findings with pinned evidence, cases decided by two.
--
-- Nothing here changes a bid or a lot: supervision's role may read bidding's views and no more.

CREATE TABLE supervision.examination (
    lot           uuid        PRIMARY KEY REFERENCES bidding.lot (id),
    tender        uuid        NOT NULL REFERENCES bidding.tender (id),
    examined_at   timestamptz NOT NULL,
    rules_version text        NOT NULL,
    bids          int         NOT NULL CHECK (bids >= 0),
    pairs         int         NOT NULL CHECK (pairs >= 0),
    grade         text        CHECK (grade IN ('A', 'B', 'C')),
    due_at        timestamptz,
    suspicions    jsonb       NOT NULL,
    problems      jsonb       NOT NULL,
    CONSTRAINT examination_due_when_graded CHECK ((grade IS NULL) = (due_at IS NULL))
);
COMMENT ON TABLE supervision.examination IS
    'One look of the rules at the opened bids of a lot; grade is the gravest of its suspicions.';
CREATE TRIGGER examination_is_append_only
    BEFORE UPDATE OR DELETE ON supervision.examination
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE supervision.examined_file (
    lot        uuid  NOT NULL REFERENCES supervision.examination (lot),
    submission uuid  NOT NULL,
    file       text  NOT NULL,
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    pages      int   NOT NULL,
    problem    text,
    PRIMARY KEY (lot, submission, file)
);
COMMENT ON TABLE supervision.examined_file IS 'The files that were read, by the hash of their bytes.';
CREATE TRIGGER examined_file_is_append_only
    BEFORE UPDATE OR DELETE ON supervision.examined_file
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE supervision.property (
    lot        uuid NOT NULL REFERENCES supervision.examination (lot),
    submission uuid NOT NULL,
    field      text NOT NULL,
    value      text NOT NULL,
    PRIMARY KEY (lot, submission, field, value)
);
COMMENT ON TABLE supervision.property IS
    'Properties of files of all examined bids: how rare a value is can only be told from many.';
CREATE INDEX property_by_value ON supervision.property (field, value);
CREATE TRIGGER property_is_append_only
    BEFORE UPDATE OR DELETE ON supervision.property
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE supervision.finding (
    id        uuid  PRIMARY KEY DEFAULT gen_random_uuid(),
    lot       uuid  NOT NULL REFERENCES supervision.examination (lot),
    number    int   NOT NULL CHECK (number >= 1),
    flag      text  NOT NULL,
    grade     text  NOT NULL CHECK (grade IN ('A', 'B', 'C')),
    carrier   text  NOT NULL,
    article   text  NOT NULL,
    bidders   jsonb NOT NULL,
    pairs     int   NOT NULL CHECK (pairs >= 1),
    place     jsonb NOT NULL,
    base_rate jsonb NOT NULL,
    measure   text  NOT NULL,
    others    jsonb NOT NULL,
    sha256    bytea NOT NULL CHECK (octet_length(sha256) = 32),
    UNIQUE (lot, number)
);
COMMENT ON TABLE supervision.finding IS
    'A fired red flag: a clue, not a verdict. sha256 is over the hashes of its evidence in order.';
COMMENT ON COLUMN supervision.finding.place IS 'Values for the places in the texts of the flag.';
COMMENT ON COLUMN supervision.finding.others IS 'The same measure for every pair of the lot.';
CREATE INDEX finding_of_flag ON supervision.finding (flag);
CREATE TRIGGER finding_is_append_only
    BEFORE UPDATE OR DELETE ON supervision.finding
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE supervision.evidence (
    finding uuid  NOT NULL REFERENCES supervision.finding (id),
    number  int   NOT NULL CHECK (number >= 1),
    kind    text  NOT NULL,
    raw     bytea NOT NULL,
    sha256  bytea NOT NULL,
    PRIMARY KEY (finding, number),
    CONSTRAINT evidence_is_pinned CHECK (sha256 = sha256(raw))
);
COMMENT ON TABLE supervision.evidence IS
    'Canonical JSON of one piece of evidence, with the hashes of the files that it quotes.';
CREATE TRIGGER evidence_is_append_only
    BEFORE UPDATE OR DELETE ON supervision.evidence
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

-- Cases ------------------------------------------------------------------------------------------

CREATE TABLE supervision.case_transition (
    before text NOT NULL,
    event  text NOT NULL,
    after  text NOT NULL,
    PRIMARY KEY (before, event)
);
COMMENT ON TABLE supervision.case_transition IS
    'Equal to supervision.cases.domain.TRANSITIONS; a trigger refuses every other move.';
INSERT INTO supervision.case_transition (before, event, after) VALUES
    ('opened',       'take',    'under_review'),
    ('under_review', 'propose', 'proposed'),
    ('proposed',     'return',  'under_review'),
    ('proposed',     'decide',  'decided'),
    ('proposed',     'dismiss', 'dismissed');

CREATE TABLE supervision.case_file (
    id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    lot          uuid        NOT NULL REFERENCES supervision.examination (lot),
    status       text        NOT NULL DEFAULT 'opened',
    opened_by    uuid        NOT NULL REFERENCES foundation.actor (id),
    opened_at    timestamptz NOT NULL,
    handler      uuid        REFERENCES foundation.actor (id),
    outcome      text        CHECK (outcome IN ('decided', 'dismissed')),
    reason       text        CHECK (length(reason) BETWEEN 1 AND 4000),
    proposed_by  uuid        REFERENCES foundation.actor (id),
    proposed_at  timestamptz,
    confirmed_by uuid        REFERENCES foundation.actor (id),
    closed_at    timestamptz,
    CONSTRAINT case_once_a_lot UNIQUE (lot),
    CONSTRAINT case_has_handler CHECK (status = 'opened' OR handler IS NOT NULL),
    CONSTRAINT case_needs_two CHECK (confirmed_by IS NULL OR confirmed_by <> proposed_by),
    CONSTRAINT case_closed_by_two CHECK (
        (status IN ('decided', 'dismissed'))
        = (confirmed_by IS NOT NULL AND proposed_by IS NOT NULL AND closed_at IS NOT NULL)
    ),
    CONSTRAINT case_closed_as_proposed CHECK (
        status NOT IN ('decided', 'dismissed') OR status = outcome
    )
);
COMMENT ON TABLE supervision.case_file IS
    '核查案件: a person took up the clues of a lot; closed only by a second person.';

CREATE FUNCTION supervision.check_case_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT 1
          FROM supervision.case_transition
         WHERE before = OLD.status
           AND after = NEW.status
    ) THEN
        RAISE EXCEPTION 'a case that is % cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'case_moves';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER case_moves
    BEFORE UPDATE OF status ON supervision.case_file
    FOR EACH ROW EXECUTE FUNCTION supervision.check_case_move();

CREATE TABLE supervision.case_note (
    id        uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    case_file uuid        NOT NULL REFERENCES supervision.case_file (id),
    finding   uuid        REFERENCES supervision.finding (id),
    choice    text        CHECK (choice IN ('accepted', 'more', 'dismissed')),
    text      text        NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    author    uuid        NOT NULL REFERENCES foundation.actor (id),
    noted_at  timestamptz NOT NULL,
    CONSTRAINT choice_is_about_a_finding CHECK (choice IS NULL OR finding IS NOT NULL)
);
COMMENT ON TABLE supervision.case_note IS
    'What people wrote in a case; a choice about a finding (采信, 需补证, 排除) always has a reason.';
CREATE INDEX case_note_of_case ON supervision.case_note (case_file, noted_at);
CREATE TRIGGER case_note_is_append_only
    BEFORE UPDATE OR DELETE ON supervision.case_note
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

-- Default rights give the role everything but deleting; only a case's state is ever changed.
REVOKE UPDATE ON supervision.examination, supervision.examined_file, supervision.property,
                 supervision.finding, supervision.evidence, supervision.case_note
  FROM sunbid_supervision;
REVOKE INSERT, UPDATE ON supervision.case_transition FROM sunbid_supervision;
