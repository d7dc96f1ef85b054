-- The pool of experts, drawings from public seeds, panels with their scorecards.

CREATE TABLE experts.expert (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    specialities  text[]      NOT NULL CHECK (cardinality(specialities) BETWEEN 1 AND 20),
    region        text        NOT NULL CHECK (length(region) BETWEEN 1 AND 60),
    grade         text        NOT NULL CHECK (length(grade) BETWEEN 1 AND 40),
    employer_uscc text        NOT NULL CHECK (length(employer_uscc) = 18),
    employer_name text        NOT NULL CHECK (length(employer_name) BETWEEN 1 AND 200),
    kid           text        NOT NULL CHECK (length(kid) = 16),
    alg           text        NOT NULL CHECK (alg IN ('ES256', 'EdDSA')),
    pk            bytea       NOT NULL CHECK (length(pk) IN (32, 65)),
    available     boolean     NOT NULL DEFAULT true,
    imported_at   timestamptz NOT NULL,
    CONSTRAINT expert_key_once UNIQUE (kid)
);
COMMENT ON TABLE experts.expert IS
    '评标专家. Names leave this table only for the keeper of the pool and the expert.';

CREATE TABLE experts.relation (
    expert      uuid        NOT NULL REFERENCES experts.expert (id),
    uscc        text        NOT NULL CHECK (length(uscc) = 18),
    reason      text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (expert, uscc)
);
COMMENT ON TABLE experts.relation IS
    'Organisations on whose bids an expert may not sit, beside the employer (回避).';

CREATE TABLE experts.committed_pool (
    lot          uuid        PRIMARY KEY,
    pool         jsonb       NOT NULL,
    pool_sha256  text        NOT NULL CHECK (length(pool_sha256) = 64),
    wish         jsonb       NOT NULL,
    event        bytea       NOT NULL REFERENCES foundation.statement (sid),
    committed_at timestamptz NOT NULL
);
COMMENT ON TABLE experts.committed_pool IS
    'The list from which the panel of a lot is drawn, fixed before the deadline by its hash.';
CREATE TRIGGER committed_pool_is_append_only
    BEFORE UPDATE OR DELETE ON experts.committed_pool
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE experts.seed_commit (
    sid          bytea       PRIMARY KEY REFERENCES foundation.statement (sid),
    lot          uuid        NOT NULL,
    contributor  text        NOT NULL,
    commitment   bytea       NOT NULL CHECK (length(commitment) = 32),
    committed_at timestamptz NOT NULL,
    CONSTRAINT seed_commit_once UNIQUE (lot, contributor)
);
CREATE TRIGGER seed_commit_is_append_only
    BEFORE UPDATE OR DELETE ON experts.seed_commit
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE experts.seed_reveal (
    commitment_sid bytea       PRIMARY KEY REFERENCES experts.seed_commit (sid),
    sid            bytea       NOT NULL REFERENCES foundation.statement (sid),
    lot            uuid        NOT NULL,
    secret         bytea       NOT NULL CHECK (length(secret) = 32),
    revealed_at    timestamptz NOT NULL
);
COMMENT ON TABLE experts.seed_reveal IS
    'Secrets behind the commitments; accepted only after the closing of the lot.';
CREATE TRIGGER seed_reveal_is_append_only
    BEFORE UPDATE OR DELETE ON experts.seed_reveal
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE experts.drawing (
    lot      uuid        NOT NULL,
    kind     text        NOT NULL CHECK (kind IN ('float', 'experts', 'blind')),
    sid      bytea       NOT NULL REFERENCES foundation.statement (sid),
    drawn    text[]      NOT NULL,
    reserve  text[]      NOT NULL,
    drawn_at timestamptz NOT NULL,
    CONSTRAINT drawing_once PRIMARY KEY (lot, kind)
);
COMMENT ON TABLE experts.drawing IS 'Draws that agency and supervisor signed; anybody can redo one.';
CREATE TRIGGER drawing_is_append_only
    BEFORE UPDATE OR DELETE ON experts.drawing
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE experts.panel (
    lot       uuid        PRIMARY KEY,
    status    text        NOT NULL DEFAULT 'forming',
    seats     int         NOT NULL CHECK (seats >= 1),
    formed_at timestamptz NOT NULL,
    locked_at timestamptz,
    report    bytea
);
COMMENT ON TABLE experts.panel IS '评标委员会 of a lot. Locked: every seat has handed in its sheet.';

CREATE TABLE experts.panel_transition (
    before text NOT NULL,
    event  text NOT NULL,
    after  text NOT NULL,
    PRIMARY KEY (before, event)
);
COMMENT ON TABLE experts.panel_transition IS
    'Equal to experts.panel.domain.TRANSITIONS; a trigger refuses every other move.';
INSERT INTO experts.panel_transition (before, event, after) VALUES
    ('forming',  'begin',  'scoring'),
    ('scoring',  'lock',   'locked'),
    ('locked',   'report', 'reported'),
    ('reported', 'accept', 'accepted');

CREATE FUNCTION experts.check_panel_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT 1
          FROM experts.panel_transition
         WHERE before = OLD.status
           AND after = NEW.status
    ) THEN
        RAISE EXCEPTION 'a panel that is % cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'panel_moves';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER panel_moves
    BEFORE UPDATE OF status ON experts.panel
    FOR EACH ROW EXECUTE FUNCTION experts.check_panel_move();

CREATE TABLE experts.seat (
    lot        uuid        NOT NULL REFERENCES experts.panel (lot),
    number     int         NOT NULL CHECK (number >= 1),
    expert     uuid        NOT NULL REFERENCES experts.expert (id),
    status     text        NOT NULL DEFAULT 'called'
               CHECK (status IN ('called', 'pledged', 'recused')),
    pledge     bytea       REFERENCES foundation.statement (sid),
    called_at  timestamptz NOT NULL,
    PRIMARY KEY (lot, expert),
    CONSTRAINT seat_pledged_by_statement CHECK (status <> 'pledged' OR pledge IS NOT NULL)
);
COMMENT ON TABLE experts.seat IS
    'Who sits where. A recused expert keeps the row; the seat goes to the next of the reserve.';
CREATE UNIQUE INDEX seat_has_one_expert ON experts.seat (lot, number) WHERE status <> 'recused';

CREATE TABLE experts.blind_bid (
    lot        uuid NOT NULL,
    code       text NOT NULL,
    submission uuid NOT NULL,
    PRIMARY KEY (lot, code),
    UNIQUE (lot, submission)
);
COMMENT ON TABLE experts.blind_bid IS
    '暗标: what experts call a bid. Who is behind a code is shown only with the report.';

CREATE TABLE experts.draft_mark (
    lot       uuid        NOT NULL,
    expert    uuid        NOT NULL,
    code      text        NOT NULL,
    criterion text        NOT NULL,
    score     text,
    passed    boolean,
    comment   text        NOT NULL CHECK (length(comment) <= 2000),
    version   int         NOT NULL CHECK (version >= 1),
    saved_at  timestamptz NOT NULL,
    PRIMARY KEY (lot, expert, code, criterion),
    FOREIGN KEY (lot, expert) REFERENCES experts.seat (lot, expert),
    FOREIGN KEY (lot, code) REFERENCES experts.blind_bid (lot, code)
);
COMMENT ON TABLE experts.draft_mark IS
    'Autosaved marks of one seat, seen by nobody else; only the signed sheet counts.';

CREATE TABLE experts.scorecard (
    lot         uuid        NOT NULL,
    expert      uuid        NOT NULL,
    sid         bytea       NOT NULL UNIQUE REFERENCES foundation.statement (sid),
    accepted_at timestamptz NOT NULL,
    CONSTRAINT scorecard_once PRIMARY KEY (lot, expert),
    FOREIGN KEY (lot, expert) REFERENCES experts.seat (lot, expert)
);
COMMENT ON TABLE experts.scorecard IS '评分表: one signed sheet a seat, one version.';
CREATE TRIGGER scorecard_is_append_only
    BEFORE UPDATE OR DELETE ON experts.scorecard
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE experts.score (
    lot       uuid    NOT NULL,
    expert    uuid    NOT NULL,
    code      text    NOT NULL,
    criterion text    NOT NULL,
    score     text    CHECK (score ~ '^(0|[1-9][0-9]{0,3})(\.[0-9]{0,5}[1-9])?$'),
    passed    boolean,
    PRIMARY KEY (lot, expert, code, criterion),
    FOREIGN KEY (lot, expert) REFERENCES experts.scorecard (lot, expert),
    FOREIGN KEY (lot, code) REFERENCES experts.blind_bid (lot, code),
    CONSTRAINT score_is_points_or_passed CHECK ((score IS NULL) <> (passed IS NULL))
);
COMMENT ON TABLE experts.score IS
    'The rows of the signed sheets, equal to them; the verifier compares both.';
CREATE TRIGGER score_is_append_only
    BEFORE UPDATE OR DELETE ON experts.score
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE experts.dissent (
    lot         uuid        NOT NULL REFERENCES experts.panel (lot),
    expert      uuid        NOT NULL,
    sid         bytea       NOT NULL REFERENCES foundation.statement (sid),
    report      bytea       NOT NULL,
    accepted_at timestamptz NOT NULL,
    CONSTRAINT dissent_once PRIMARY KEY (report, expert),
    FOREIGN KEY (lot, expert) REFERENCES experts.seat (lot, expert)
);
COMMENT ON TABLE experts.dissent IS
    'Written dissent of a member who does not sign the report (招标投标法实施条例 art. 53).';
CREATE TRIGGER dissent_is_append_only
    BEFORE UPDATE OR DELETE ON experts.dissent
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

-- Default rights give the experts' role everything but deleting; these are never changed.
REVOKE UPDATE ON experts.committed_pool, experts.seed_commit, experts.seed_reveal, experts.drawing,
                 experts.blind_bid, experts.scorecard, experts.score, experts.dissent
  FROM sunbid_experts;
REVOKE INSERT, UPDATE ON experts.panel_transition FROM sunbid_experts;

CREATE VIEW experts.v_panel AS
    SELECT lot, status, seats, formed_at, locked_at, encode(report, 'hex') AS report
      FROM experts.panel;
COMMENT ON VIEW experts.v_panel IS 'How far a panel is; nobody''s name.';

CREATE VIEW experts.v_score AS
    SELECT s.lot, s.expert, s.code, s.criterion, s.score, s.passed, b.submission
      FROM experts.score AS s
      JOIN experts.panel AS p ON p.lot = s.lot
      JOIN experts.blind_bid AS b ON b.lot = s.lot AND b.code = s.code
     WHERE p.status IN ('reported', 'accepted');
COMMENT ON VIEW experts.v_score IS 'Scores with the bids behind the codes, once the report stands.';

GRANT SELECT ON experts.v_panel, experts.v_score TO sunbid_supervision;
