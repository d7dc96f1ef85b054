-- Plans, tenders, lots, member keys of the opening groups, tender documents.

COMMENT ON SCHEMA bidding IS 'From the plan to the contract: what buyers, agencies and bidders do.';
GRANT USAGE ON SCHEMA bidding TO sunbid_bidding, sunbid_experts, sunbid_supervision;

CREATE TABLE bidding.plan (
    id            uuid          PRIMARY KEY DEFAULT gen_random_uuid(),
    number        text          NOT NULL UNIQUE,
    title         text          NOT NULL,
    regime        text          NOT NULL,
    region        text          NOT NULL,
    buyer_uscc    text          NOT NULL,
    buyer_name    text          NOT NULL,
    estimate_yuan numeric(18,2) NOT NULL CHECK (estimate_yuan > 0),
    summary       text          NOT NULL,
    expected_on   date          NOT NULL,
    published_at  timestamptz   NOT NULL
);
COMMENT ON TABLE bidding.plan IS '招标计划: published early, before the notice of the tender.';

CREATE TABLE bidding.tender (
    id              uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    number          text        NOT NULL UNIQUE,
    plan            uuid        REFERENCES bidding.plan (id),
    title           text        NOT NULL,
    regime          text        NOT NULL,
    region          text        NOT NULL,
    category        text        NOT NULL,
    summary         text        NOT NULL,
    buyer_uscc      text        NOT NULL,
    buyer_name      text        NOT NULL,
    agency_uscc     text        NOT NULL,
    agency_name     text        NOT NULL,
    supervisor_uscc text        NOT NULL,
    supervisor_name text        NOT NULL,
    host_uscc       text        NOT NULL,
    host_name       text        NOT NULL,
    drafted_at      timestamptz NOT NULL
);
COMMENT ON TABLE bidding.tender IS '招标项目; its lots carry the state.';

CREATE SEQUENCE bidding.lot_lock_key;

CREATE TABLE bidding.lot (
    id                 uuid          PRIMARY KEY DEFAULT gen_random_uuid(),
    tender             uuid          NOT NULL REFERENCES bidding.tender (id),
    number             int           NOT NULL CHECK (number > 0),
    title              text          NOT NULL,
    round              int           NOT NULL DEFAULT 1 CHECK (round BETWEEN 1 AND 99),
    lock_key           bigint        NOT NULL UNIQUE DEFAULT nextval('bidding.lot_lock_key'),
    status             text          NOT NULL DEFAULT 'drafted',
    ceiling_price_yuan numeric(18,2) NOT NULL CHECK (ceiling_price_yuan > 0),
    duration_days      int           NOT NULL CHECK (duration_days > 0),
    facts              jsonb         NOT NULL,
    method             jsonb         NOT NULL,
    method_sha256      text          NOT NULL,
    volumes            text[]        NOT NULL,
    minimum_bidders    int           NOT NULL CHECK (minimum_bidders >= 1),
    standstill_days    int           NOT NULL CHECK (standstill_days > 0),
    award_separated    boolean       NOT NULL,
    issued_on          date,
    deadline_at        timestamptz,
    opening_keys       bytea,
    schedule           bytea,
    access_key         bytea,
    published_at       timestamptz,
    closed_at          timestamptz,
    UNIQUE (tender, number, round),
    CONSTRAINT lot_closes_once CHECK (closed_at IS NULL OR closed_at >= deadline_at)
);
COMMENT ON TABLE bidding.lot IS '标段（包）: the unit that is bid for and awarded.';
COMMENT ON COLUMN bidding.lot.lock_key IS
    'Advisory lock: shared for who hands in a bid, exclusive for who closes or changes a phase.';
COMMENT ON COLUMN bidding.lot.access_key IS
    'Public key to which the rows of acts are sealed; the secret lies with the signer.';
CREATE INDEX lot_due ON bidding.lot (deadline_at) WHERE status = 'published';

CREATE TABLE bidding.lot_transition (
    before text NOT NULL,
    event  text NOT NULL,
    after  text NOT NULL,
    PRIMARY KEY (before, event)
);
COMMENT ON TABLE bidding.lot_transition IS
    'Equal to bidding.tender.domain.TRANSITIONS; a trigger refuses every other move.';
INSERT INTO bidding.lot_transition (before, event, after) VALUES
    ('drafted',    'publish',   'published'),
    ('drafted',    'terminate', 'terminated'),
    ('published',  'close',     'closed'),
    ('published',  'terminate', 'terminated'),
    ('closed',     'cut',       'cut'),
    ('closed',     'terminate', 'terminated'),
    ('cut',        'open',      'opening'),
    ('cut',        'not_open',  'not_opened'),
    ('cut',        'terminate', 'terminated'),
    ('opening',    'record',    'recorded'),
    ('opening',    'suspend',   'suspended'),
    ('opening',    'terminate', 'terminated'),
    ('suspended',  'resume',    'opening'),
    ('suspended',  'terminate', 'terminated'),
    ('recorded',   'evaluate',  'evaluating'),
    ('recorded',   'fail',      'failed'),
    ('evaluating', 'report',    'evaluated'),
    ('evaluating', 'fail',      'failed'),
    ('evaluated',  'announce',  'standstill'),
    ('standstill', 'award',     'awarded'),
    ('standstill', 'fail',      'failed'),
    ('awarded',    'contract',  'contracted');

CREATE FUNCTION bidding.check_lot_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT 1
          FROM bidding.lot_transition
         WHERE before = OLD.status
           AND after = NEW.status
    ) THEN
        RAISE EXCEPTION 'a lot that is % cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'lot_moves';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER lot_moves
    BEFORE UPDATE OF status ON bidding.lot
    FOR EACH ROW EXECUTE FUNCTION bidding.check_lot_move();

CREATE TABLE bidding.document (
    id       uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    lot      uuid        NOT NULL REFERENCES bidding.lot (id),
    name     text        NOT NULL,
    sha256   text        NOT NULL,
    size     bigint      NOT NULL,
    added_at timestamptz NOT NULL,
    UNIQUE (lot, name)
);
COMMENT ON TABLE bidding.document IS '招标文件: bytes lie in the object store under documents/<id>.';

CREATE TABLE bidding.member_key (
    sid        bytea       PRIMARY KEY,
    uscc       text        NOT NULL,
    name       text        NOT NULL,
    seat       text        NOT NULL,
    kid        text        NOT NULL UNIQUE,
    sign_kid   text        NOT NULL UNIQUE,
    sign_pk    bytea       NOT NULL,
    raw        bytea       NOT NULL,
    not_before timestamptz NOT NULL,
    not_after  timestamptz NOT NULL
);
COMMENT ON TABLE bidding.member_key IS
    'Keys of possible custodians and remedy members, vouched for by their organisations.';

CREATE TABLE bidding.readiness (
    opening_keys bytea       NOT NULL,
    group_letter text        NOT NULL CHECK (group_letter IN ('T', 'R')),
    seat_index   int         NOT NULL,
    nonce        bytea       NOT NULL,
    asked_at     timestamptz NOT NULL,
    expected     text        NOT NULL,
    wrap         bytea       NOT NULL,
    answered_at  timestamptz,
    passed       boolean,
    PRIMARY KEY (opening_keys, group_letter, seat_index, nonce)
);
COMMENT ON TABLE bidding.readiness IS 'Drills of members (sealing.md 8.3) and their answers.';

GRANT SELECT, INSERT ON bidding.plan, bidding.tender, bidding.document, bidding.member_key
   TO sunbid_bidding;
GRANT SELECT, INSERT, UPDATE ON bidding.lot, bidding.readiness TO sunbid_bidding;
GRANT SELECT ON bidding.lot_transition TO sunbid_bidding;
GRANT USAGE ON SEQUENCE bidding.lot_lock_key TO sunbid_bidding;

CREATE VIEW bidding.v_lot AS
    SELECT l.id, l.tender, l.number, l.title, l.round, l.status, l.ceiling_price_yuan,
           l.duration_days, l.facts, l.method, l.method_sha256, l.minimum_bidders,
           l.standstill_days, l.award_separated, l.issued_on, l.deadline_at, l.closed_at,
           l.published_at, t.number AS tender_number, t.title AS tender_title, t.regime, t.region,
           t.category, t.buyer_uscc, t.buyer_name, t.agency_uscc, t.agency_name,
           t.supervisor_uscc, t.supervisor_name, t.host_uscc, t.host_name
      FROM bidding.lot AS l
      JOIN bidding.tender AS t ON t.id = l.tender;
COMMENT ON VIEW bidding.v_lot IS 'What the later contexts may read of a lot.';
GRANT SELECT ON bidding.v_lot TO sunbid_bidding, sunbid_experts, sunbid_supervision;

CREATE VIEW bidding.v_document AS
    SELECT id, lot, name, sha256, size
      FROM bidding.document;
GRANT SELECT ON bidding.v_document TO sunbid_bidding, sunbid_experts, sunbid_supervision;
