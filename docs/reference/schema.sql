-- The schema after the newest migration (pg_dump --schema-only), compared in a test;
-- python tests/architecture/test_schema.py writes it anew. Never run this file: migrations
-- are in migrations/.

-- PostgreSQL database dump

CREATE SCHEMA bidding;

COMMENT ON SCHEMA bidding IS 'From the plan to the contract: what buyers, agencies and bidders do.';

CREATE SCHEMA experts;

COMMENT ON SCHEMA experts IS 'The pool of experts, drawings, panels';

CREATE SCHEMA foundation;

COMMENT ON SCHEMA foundation IS 'What every context stands on; no procurement here';

CREATE SCHEMA supervision;

COMMENT ON SCHEMA supervision IS 'Screens, red flags, cases';

CREATE TYPE foundation.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);

CREATE FUNCTION bidding.check_act_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION bidding.check_lot_move() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION bidding.check_mandate_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION experts.check_panel_move() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION foundation.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$;

CREATE FUNCTION foundation.guard_challenge() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT EXISTS (
        SELECT FROM foundation.challenge_transition WHERE before = OLD.state AND after = NEW.state
    ) THEN
        RAISE EXCEPTION 'a challenge that is % cannot become %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'challenge_moves';
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION foundation.guard_challenge() IS 'Refuses every move that is not in the table';

CREATE FUNCTION foundation.guard_ledger_head() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.size <= OLD.size OR NEW.time_ms <= OLD.time_ms OR NEW.batch <> OLD.batch + 1 THEN
        RAISE EXCEPTION 'the ledger only grows'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_only_grows';
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION foundation.guard_ledger_head() IS 'Lets size, time and batch only grow';

CREATE FUNCTION foundation.move_platform_clock(move_to timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    clock foundation.platform_clock;
BEGIN
    SELECT * INTO clock FROM foundation.platform_clock FOR UPDATE;
    IF NOT clock.demo THEN
        RAISE EXCEPTION 'only a demonstration may move the platform''s clock'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF move_to < foundation.platform_now() THEN
        RAISE EXCEPTION 'the platform''s clock only goes forward'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    UPDATE foundation.platform_clock SET real_at = clock_timestamp(), platform_at = move_to;
    PERFORM foundation.wake_jobs();
END
$$;

COMMENT ON FUNCTION foundation.move_platform_clock(move_to timestamp with time zone) IS 'Moves a demonstration''s clock forward; the caller writes the ledger entry';

CREATE FUNCTION foundation.platform_now() RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$
    SELECT CASE
               WHEN demo
               THEN platform_at
                    + make_interval(secs => extract(epoch FROM clock_timestamp() - real_at)
                                            * factor)
               ELSE clock_timestamp()
           END
      FROM foundation.platform_clock
$$;

COMMENT ON FUNCTION foundation.platform_now() IS 'The only clock of deadlines, stored times and ledger leaves; ask it after the lock is held';

CREATE FUNCTION foundation.real_now() RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$
    SELECT clock_timestamp()
$$;

COMMENT ON FUNCTION foundation.real_now() IS 'Real time, for what is shown beside platform time';

CREATE FUNCTION foundation.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';
END $$;

CREATE FUNCTION foundation.refuse_ledger_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_is_append_only';
END
$$;

COMMENT ON FUNCTION foundation.refuse_ledger_change() IS 'Refuses every change of what is written once';

CREATE FUNCTION foundation.start_demo_clock(start_at timestamp with time zone, start_factor double precision) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE foundation.platform_clock
       SET demo = true, real_at = clock_timestamp(), platform_at = start_at, factor = start_factor
     WHERE NOT demo;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the clock of this demonstration runs already'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;

COMMENT ON FUNCTION foundation.start_demo_clock(start_at timestamp with time zone, start_factor double precision) IS 'Makes this database a demonstration''s for ever; for its owner only';

CREATE FUNCTION foundation.wake_jobs() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF to_regclass('foundation.pgqueuer') IS NOT NULL THEN
        UPDATE foundation.pgqueuer AS job
           SET execute_after = clock_timestamp()
                               + greatest((job.headers ->> 'due_at')::timestamptz - clock.now_at,
                                          interval '0') / greatest(clock.factor, 1e-6)
          FROM (SELECT foundation.platform_now() AS now_at, factor
                  FROM foundation.platform_clock) AS clock
         WHERE job.status = 'queued'
           AND job.headers ? 'due_at';
    END IF;
END
$$;

COMMENT ON FUNCTION foundation.wake_jobs() IS 'Lets jobs wait as long as the clock now says';

CREATE FUNCTION supervision.check_case_move() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE bidding.act (
    sid bytea NOT NULL,
    lot uuid NOT NULL,
    round integer NOT NULL,
    kind text NOT NULL,
    bidder_key bytea NOT NULL,
    submission uuid NOT NULL,
    seq integer NOT NULL,
    prev bytea,
    intake_at timestamp with time zone NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    opening_keys bytea,
    envelopes jsonb NOT NULL,
    sealed_row bytea NOT NULL,
    queue uuid NOT NULL,
    ticket bytea NOT NULL,
    receipt bytea,
    receipt_id uuid,
    licence_status text,
    refusal bytea,
    statement bytea,
    CONSTRAINT act_bidder_key_check CHECK ((length(bidder_key) = 32)),
    CONSTRAINT act_kind_check CHECK ((kind = ANY (ARRAY['manifest'::text, 'withdraw'::text]))),
    CONSTRAINT act_seq_check CHECK ((seq >= 1)),
    CONSTRAINT act_sid_check CHECK ((length(sid) = 32)),
    CONSTRAINT act_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'refused'::text])))
);

COMMENT ON TABLE bidding.act IS 'Every act taken in before a deadline. No identity stands here in the clear before the closing: statement, chain and address are in sealed_row, which only the signer opens.';

COMMENT ON COLUMN bidding.act.statement IS 'The statement file, once identities are open.';

CREATE TABLE bidding.address (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    lot uuid NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT address_sealed_check CHECK ((length(sealed) = 337))
);

COMMENT ON TABLE bidding.address IS 'Addresses that takers of documents left, sealed so that the signer alone opens them, for a new schedule or new opening keys. No time and no name; deleted when the lot closes.';

CREATE TABLE bidding.award (
    lot uuid NOT NULL,
    sid bytea NOT NULL,
    submission uuid NOT NULL,
    awarded_at timestamp with time zone NOT NULL
);

CREATE TABLE bidding.award_member (
    lot uuid NOT NULL,
    member uuid NOT NULL,
    name text NOT NULL,
    kid text NOT NULL,
    alg text NOT NULL,
    pk bytea NOT NULL
);

COMMENT ON TABLE bidding.award_member IS '定标委员会 of a lot whose award is separated (评定分离).';

CREATE TABLE bidding.candidate_notice (
    lot uuid NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    CONSTRAINT standstill_has_length CHECK ((ends_at > starts_at))
);

COMMENT ON TABLE bidding.candidate_notice IS '中标候选人公示: start and end of the standstill are stored, not computed.';

CREATE TABLE bidding.document (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    lot uuid NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    added_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE bidding.document IS '招标文件: bytes lie in the object store under documents/<id>.';

CREATE TABLE bidding.door_refusal (
    act bytea NOT NULL,
    code text NOT NULL,
    refusal bytea NOT NULL,
    lot uuid NOT NULL,
    round integer NOT NULL,
    bidder_key bytea NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    CONSTRAINT door_refusal_act_check CHECK ((length(act) = 32)),
    CONSTRAINT door_refusal_bidder_key_check CHECK ((length(bidder_key) = 32)),
    CONSTRAINT door_refusal_refusal_check CHECK ((length(refusal) = 32))
);

COMMENT ON TABLE bidding.door_refusal IS 'Acts that were refused before the intake, under the bidder''s key as in bidding.act: only who holds that bidder''s token is shown them. The same act refused again gets the same refusal.';

CREATE TABLE bidding.evaluation (
    lot uuid NOT NULL,
    report bytea NOT NULL,
    accepted_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE bidding.evaluation IS 'The signed evaluation report, as the panel handed it over.';

CREATE TABLE bidding.head (
    act bytea NOT NULL,
    header_hash text NOT NULL,
    header bytea NOT NULL,
    wraps bytea NOT NULL
);

COMMENT ON TABLE bidding.head IS 'Header and wraps of the envelopes of accepted acts, as checked. They name no bidder.';

CREATE TABLE bidding.listed (
    lot uuid NOT NULL,
    tree text NOT NULL,
    submission uuid NOT NULL,
    act bytea NOT NULL,
    seq integer NOT NULL,
    volume text NOT NULL,
    header_hash text NOT NULL,
    wraps_hash text NOT NULL,
    size bigint NOT NULL,
    upload uuid NOT NULL,
    header bytea NOT NULL,
    wraps bytea NOT NULL,
    blob text DEFAULT 'unread'::text NOT NULL,
    b_value bytea,
    b_from text,
    b_at timestamp with time zone,
    t_value bytea,
    stage integer,
    blob_until timestamp with time zone,
    CONSTRAINT listed_b_from_check CHECK ((b_from = ANY (ARRAY['bidder'::text, 'remedy'::text, 'cure'::text]))),
    CONSTRAINT listed_blob_check CHECK ((blob = ANY (ARRAY['unread'::text, 'whole'::text, 'missing'::text, 'corrupt'::text]))),
    CONSTRAINT listed_stage_check CHECK (((stage >= 1) AND (stage <= 4)))
);

COMMENT ON TABLE bidding.listed IS 'The envelopes that the closing lists, with their two halves.';

COMMENT ON COLUMN bidding.listed.stage IS 'The stage that opens the envelope; NULL while none was begun for it, and for ever if left out.';

COMMENT ON COLUMN bidding.listed.blob_until IS 'Until when phase 4 waits for a damaged file to be supplied again (w3, at least 900 s).';

CREATE SEQUENCE bidding.lot_lock_key
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE bidding.lot (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tender uuid NOT NULL,
    number integer NOT NULL,
    title text NOT NULL,
    round integer DEFAULT 1 NOT NULL,
    lock_key bigint DEFAULT nextval('bidding.lot_lock_key'::regclass) NOT NULL,
    status text DEFAULT 'drafted'::text NOT NULL,
    ceiling_price_yuan numeric(18,2) NOT NULL,
    duration_days integer NOT NULL,
    facts jsonb NOT NULL,
    method jsonb NOT NULL,
    method_sha256 text NOT NULL,
    volumes text[] NOT NULL,
    minimum_bidders integer NOT NULL,
    standstill_days integer NOT NULL,
    award_separated boolean NOT NULL,
    issued_on date,
    deadline_at timestamp with time zone,
    opening_keys bytea,
    schedule bytea,
    access_key bytea,
    published_at timestamp with time zone,
    closed_at timestamp with time zone,
    suite text DEFAULT 'INTL-1'::text NOT NULL,
    CONSTRAINT lot_ceiling_price_yuan_check CHECK ((ceiling_price_yuan > (0)::numeric)),
    CONSTRAINT lot_closes_once CHECK (((closed_at IS NULL) OR (closed_at >= deadline_at))),
    CONSTRAINT lot_duration_days_check CHECK ((duration_days > 0)),
    CONSTRAINT lot_minimum_bidders_check CHECK ((minimum_bidders >= 1)),
    CONSTRAINT lot_number_check CHECK ((number > 0)),
    CONSTRAINT lot_round_check CHECK (((round >= 1) AND (round <= 99))),
    CONSTRAINT lot_standstill_days_check CHECK ((standstill_days > 0)),
    CONSTRAINT lot_suite_check CHECK ((suite = ANY (ARRAY['INTL-1'::text, 'GM-1'::text])))
);

COMMENT ON TABLE bidding.lot IS '标段（包）: the unit that is bid for and awarded.';

COMMENT ON COLUMN bidding.lot.lock_key IS 'Advisory lock: shared for who hands in a bid, exclusive for who closes or changes a phase.';

COMMENT ON COLUMN bidding.lot.access_key IS 'Public key to which the rows of acts are sealed; the secret lies with the signer.';

CREATE TABLE bidding.lot_transition (
    before text NOT NULL,
    event text NOT NULL,
    after text NOT NULL
);

COMMENT ON TABLE bidding.lot_transition IS 'Equal to bidding.tender.domain.TRANSITIONS; a trigger refuses every other move.';

CREATE TABLE bidding.mandate (
    sid bytea NOT NULL,
    owner bytea NOT NULL,
    kid text NOT NULL,
    sealed bytea NOT NULL,
    queue uuid NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    revocation bytea,
    revoke_queue uuid,
    CONSTRAINT mandate_check CHECK ((revoked_at >= accepted_at)),
    CONSTRAINT mandate_kid_check CHECK ((length(kid) = 16)),
    CONSTRAINT mandate_owner_check CHECK ((length(owner) = 32)),
    CONSTRAINT mandate_revocation_is_whole CHECK ((((revoked_at IS NULL) = (revocation IS NULL)) AND ((revoked_at IS NULL) = (revoke_queue IS NULL)))),
    CONSTRAINT mandate_sid_check CHECK ((length(sid) = 32))
);

COMMENT ON TABLE bidding.mandate IS 'Mandates of companies. One may name the tender that a company will bid for, so the statements are sealed to a key outside the database and the owner stands here as an HMAC under that key.';

CREATE TABLE bidding.member_key (
    sid bytea NOT NULL,
    uscc text NOT NULL,
    name text NOT NULL,
    seat text NOT NULL,
    kid text NOT NULL,
    sign_kid text NOT NULL,
    sign_pk bytea NOT NULL,
    raw bytea NOT NULL,
    not_before timestamp with time zone NOT NULL,
    not_after timestamp with time zone NOT NULL
);

COMMENT ON TABLE bidding.member_key IS 'Keys of possible custodians and remedy members, vouched for by their organisations.';

CREATE TABLE bidding.opened_bid (
    lot uuid NOT NULL,
    submission uuid NOT NULL,
    uscc text NOT NULL,
    name text NOT NULL,
    items jsonb NOT NULL,
    files jsonb NOT NULL,
    machine_code text,
    is_complete boolean DEFAULT true NOT NULL
);

COMMENT ON TABLE bidding.opened_bid IS 'Bids of which every volume of a stage was opened. files: volume to files, as object keys.';

COMMENT ON COLUMN bidding.opened_bid.is_complete IS 'Every volume of the lot was opened; false after a first stage, and for ever if left out.';

CREATE TABLE bidding.opened_stage (
    lot uuid NOT NULL,
    stage integer NOT NULL,
    record bytea NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE bidding.opened_stage IS 'The signed record of each stage.';

CREATE TABLE bidding.opening (
    lot uuid NOT NULL,
    closed_at timestamp with time zone NOT NULL,
    closed_tick bigint NOT NULL,
    cut uuid,
    closing bytea,
    list_root bytea,
    phase text DEFAULT 'closed'::text NOT NULL,
    phase_at timestamp with time zone,
    phase_until timestamp with time zone,
    remedy_start bytea,
    record bytea,
    recorded_at timestamp with time zone,
    suspended_at timestamp with time zone,
    decided text,
    stage integer DEFAULT 1 NOT NULL,
    CONSTRAINT opening_decided_check CHECK ((decided = ANY (ARRAY['go-on'::text, 'terminated'::text, 'stopped'::text]))),
    CONSTRAINT opening_phase_check CHECK ((phase = ANY (ARRAY['closed'::text, 'phase1'::text, 'phase2'::text, 'phase3'::text, 'phase4'::text, 'record'::text, 'done'::text]))),
    CONSTRAINT opening_stage_check CHECK (((stage >= 1) AND (stage <= 4)))
);

COMMENT ON TABLE bidding.opening IS 'Where the opening of a lot stands. Only a closing that is replaced takes a stage back.';

COMMENT ON COLUMN bidding.opening.closed_tick IS 'Ledger size at the closing: the cut is queued only after a tick that began later.';

COMMENT ON COLUMN bidding.opening.suspended_at IS 'Since when too few members released after the window; NULL while the opening runs.';

COMMENT ON COLUMN bidding.opening.decided IS 'How the supervisor ended a suspension (terminated is final), or stopped the lot before phase 3.';

COMMENT ON COLUMN bidding.opening.stage IS 'The stage that runs or ran last; phase, windows, remedy list and record are those of it.';

CREATE TABLE bidding.plan (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    number text NOT NULL,
    title text NOT NULL,
    regime text NOT NULL,
    region text NOT NULL,
    buyer_uscc text NOT NULL,
    buyer_name text NOT NULL,
    estimate_yuan numeric(18,2) NOT NULL,
    summary text NOT NULL,
    expected_on date NOT NULL,
    published_at timestamp with time zone NOT NULL,
    CONSTRAINT plan_estimate_yuan_check CHECK ((estimate_yuan > (0)::numeric))
);

COMMENT ON TABLE bidding.plan IS '招标计划: published early, before the notice of the tender.';

CREATE TABLE bidding.possession (
    member_key bytea NOT NULL,
    nonce bytea NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expected text NOT NULL,
    wrap bytea NOT NULL,
    answered_at timestamp with time zone
);

COMMENT ON TABLE bidding.possession IS 'Questions to the holders of member keys. answered_at: when the right answer came.';

CREATE TABLE bidding.postponement (
    schedule bytea NOT NULL,
    lot uuid NOT NULL,
    opening_keys bytea,
    reason text NOT NULL,
    old_deadline timestamp with time zone NOT NULL,
    new_deadline timestamp with time zone NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    in_force_at timestamp with time zone,
    told_at timestamp with time zone,
    CONSTRAINT postponement_check CHECK ((new_deadline > old_deadline)),
    CONSTRAINT postponement_check1 CHECK ((in_force_at < old_deadline)),
    CONSTRAINT postponement_opening_keys_check CHECK ((length(opening_keys) = 32)),
    CONSTRAINT postponement_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT postponement_schedule_check CHECK ((length(schedule) = 32))
);

COMMENT ON TABLE bidding.postponement IS 'Proposed postponements of a lot; in force once buyer and supervisor signed every paper of it.';

COMMENT ON COLUMN bidding.postponement.opening_keys IS 'New opening keys that come with it: bids sealed for the older ones are void from then on';

COMMENT ON COLUMN bidding.postponement.told_at IS 'When everybody who left an address was told; null where none was to be told';

CREATE TABLE bidding.readiness (
    opening_keys bytea NOT NULL,
    group_letter text NOT NULL,
    seat_index integer NOT NULL,
    nonce bytea NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expected text NOT NULL,
    wrap bytea NOT NULL,
    answered_at timestamp with time zone,
    passed boolean,
    CONSTRAINT readiness_group_letter_check CHECK ((group_letter = ANY (ARRAY['T'::text, 'R'::text])))
);

COMMENT ON TABLE bidding.readiness IS 'Drills of members (sealing.md 8.3) and their answers.';

CREATE TABLE bidding.result (
    lot uuid NOT NULL,
    tree text NOT NULL,
    submission uuid NOT NULL,
    volume text NOT NULL,
    code text NOT NULL,
    fault text NOT NULL,
    b_from text,
    deal_wrong jsonb NOT NULL,
    plain_sha256 text
);

COMMENT ON TABLE bidding.result IS 'How each envelope came out; written once, in phase 4.';

CREATE TABLE bidding.share (
    lot uuid NOT NULL,
    group_letter text NOT NULL,
    seat_index integer NOT NULL,
    tree text NOT NULL,
    value bytea NOT NULL,
    is_cure boolean DEFAULT false NOT NULL,
    CONSTRAINT share_group_letter_check CHECK ((group_letter = ANY (ARRAY['T'::text, 'R'::text]))),
    CONSTRAINT share_value_check CHECK ((length(value) = 32))
);

COMMENT ON TABLE bidding.share IS 'Released shares that match their commitments.';

COMMENT ON COLUMN bidding.share.is_cure IS 'Supplied by anybody; it does not count as the release of the member itself.';

CREATE TABLE bidding.share_check (
    lot uuid NOT NULL,
    group_letter text NOT NULL,
    seat_index integer NOT NULL,
    tree text NOT NULL,
    result text NOT NULL,
    CONSTRAINT share_check_group_letter_check CHECK ((group_letter = ANY (ARRAY['T'::text, 'R'::text]))),
    CONSTRAINT share_check_result_check CHECK ((result = ANY (ARRAY['ok'::text, 'unwrap_failed'::text, 'mismatch'::text])))
);

COMMENT ON TABLE bidding.share_check IS 'What members found for the closing in force; their statements for earlier ones are kept.';

CREATE TABLE bidding.tender (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    number text NOT NULL,
    plan uuid,
    title text NOT NULL,
    regime text NOT NULL,
    region text NOT NULL,
    category text NOT NULL,
    summary text NOT NULL,
    buyer_uscc text NOT NULL,
    buyer_name text NOT NULL,
    agency_uscc text NOT NULL,
    agency_name text NOT NULL,
    supervisor_uscc text NOT NULL,
    supervisor_name text NOT NULL,
    host_uscc text NOT NULL,
    host_name text NOT NULL,
    drafted_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE bidding.tender IS '招标项目; its lots carry the state.';

CREATE TABLE bidding.upload (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    secret_sha256 bytea NOT NULL,
    size bigint NOT NULL,
    tree bytea NOT NULL,
    parts bytea[] NOT NULL,
    stored boolean[] NOT NULL,
    complete boolean DEFAULT false NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    blob text DEFAULT 'unread'::text NOT NULL,
    CONSTRAINT upload_blob_check CHECK ((blob = ANY (ARRAY['unread'::text, 'whole'::text, 'missing'::text, 'corrupt'::text]))),
    CONSTRAINT upload_size_check CHECK ((size > 0)),
    CONSTRAINT upload_tree_check CHECK ((length(tree) = 32))
);

COMMENT ON TABLE bidding.upload IS 'Sealed files in parts; no lot and no bidder stand here. Parts lie at blobs/<id>/<index>.';

COMMENT ON COLUMN bidding.upload.blob IS 'What reading the stored parts back found, once an act named the upload.';

CREATE TABLE bidding.upload_quota (
    session bytea NOT NULL,
    bytes bigint NOT NULL
);

COMMENT ON TABLE bidding.upload_quota IS 'Bytes announced in one login session.';

CREATE VIEW bidding.v_closing AS
 SELECT lot,
    closing,
    closed_at
   FROM bidding.opening
  WHERE (closing IS NOT NULL);

CREATE VIEW bidding.v_document AS
 SELECT id,
    lot,
    name,
    sha256,
    size
   FROM bidding.document;

CREATE VIEW bidding.v_lot AS
 SELECT l.id,
    l.tender,
    l.number,
    l.title,
    l.round,
    l.status,
    l.ceiling_price_yuan,
    l.duration_days,
    l.facts,
    l.method,
    l.method_sha256,
    l.minimum_bidders,
    l.standstill_days,
    l.award_separated,
    l.issued_on,
    l.deadline_at,
    l.closed_at,
    l.published_at,
    t.number AS tender_number,
    t.title AS tender_title,
    t.regime,
    t.region,
    t.category,
    t.buyer_uscc,
    t.buyer_name,
    t.agency_uscc,
    t.agency_name,
    t.supervisor_uscc,
    t.supervisor_name,
    t.host_uscc,
    t.host_name
   FROM (bidding.lot l
     JOIN bidding.tender t ON ((t.id = l.tender)));

COMMENT ON VIEW bidding.v_lot IS 'What the later contexts may read of a lot.';

CREATE VIEW bidding.v_opened_bid AS
 SELECT b.lot,
    b.submission,
    b.uscc,
    b.name,
    b.items,
    b.files,
    b.machine_code
   FROM (bidding.opened_bid b
     JOIN bidding.lot l ON ((l.id = b.lot)))
  WHERE (b.is_complete AND (l.status = ANY (ARRAY['recorded'::text, 'evaluating'::text, 'evaluated'::text, 'standstill'::text, 'awarded'::text, 'contracted'::text, 'failed'::text])));

COMMENT ON VIEW bidding.v_opened_bid IS 'Opened bids, once the record of the opening is signed.';

CREATE TABLE bidding.vote (
    sid bytea NOT NULL,
    lot uuid NOT NULL,
    ballot integer NOT NULL,
    member uuid NOT NULL,
    candidate uuid NOT NULL,
    CONSTRAINT vote_ballot_check CHECK ((ballot >= 1))
);

CREATE TABLE experts.blind_bid (
    lot uuid NOT NULL,
    code text NOT NULL,
    submission uuid NOT NULL
);

COMMENT ON TABLE experts.blind_bid IS '暗标: what experts call a bid. Who is behind a code is shown only with the report.';

CREATE TABLE experts.committed_pool (
    lot uuid NOT NULL,
    pool jsonb NOT NULL,
    pool_sha256 text NOT NULL,
    wish jsonb NOT NULL,
    event bytea NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    CONSTRAINT committed_pool_pool_sha256_check CHECK ((length(pool_sha256) = 64))
);

COMMENT ON TABLE experts.committed_pool IS 'The list from which the panel of a lot is drawn, fixed before the deadline by its hash.';

CREATE TABLE experts.dissent (
    lot uuid NOT NULL,
    expert uuid NOT NULL,
    sid bytea NOT NULL,
    report bytea NOT NULL,
    accepted_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE experts.dissent IS 'Written dissent of a member who does not sign the report (招标投标法实施条例 art. 53).';

CREATE TABLE experts.draft_mark (
    lot uuid NOT NULL,
    expert uuid NOT NULL,
    code text NOT NULL,
    criterion text NOT NULL,
    score text,
    passed boolean,
    comment text NOT NULL,
    version integer NOT NULL,
    saved_at timestamp with time zone NOT NULL,
    CONSTRAINT draft_mark_comment_check CHECK ((length(comment) <= 2000)),
    CONSTRAINT draft_mark_version_check CHECK ((version >= 1))
);

COMMENT ON TABLE experts.draft_mark IS 'Autosaved marks of one seat, seen by nobody else; only the signed sheet counts.';

CREATE TABLE experts.drawing (
    lot uuid NOT NULL,
    kind text NOT NULL,
    sid bytea NOT NULL,
    drawn text[] NOT NULL,
    reserve text[] NOT NULL,
    drawn_at timestamp with time zone NOT NULL,
    CONSTRAINT drawing_kind_check CHECK ((kind = ANY (ARRAY['float'::text, 'experts'::text, 'blind'::text])))
);

COMMENT ON TABLE experts.drawing IS 'Draws that agency and supervisor signed; anybody can redo one.';

CREATE TABLE experts.expert (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    specialities text[] NOT NULL,
    region text NOT NULL,
    grade text NOT NULL,
    employer_uscc text NOT NULL,
    employer_name text NOT NULL,
    kid text NOT NULL,
    alg text NOT NULL,
    pk bytea NOT NULL,
    available boolean DEFAULT true NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    CONSTRAINT expert_alg_check CHECK ((alg = ANY (ARRAY['ES256'::text, 'EdDSA'::text]))),
    CONSTRAINT expert_employer_name_check CHECK (((length(employer_name) >= 1) AND (length(employer_name) <= 200))),
    CONSTRAINT expert_employer_uscc_check CHECK ((length(employer_uscc) = 18)),
    CONSTRAINT expert_grade_check CHECK (((length(grade) >= 1) AND (length(grade) <= 40))),
    CONSTRAINT expert_kid_check CHECK ((length(kid) = 16)),
    CONSTRAINT expert_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT expert_pk_check CHECK ((length(pk) = ANY (ARRAY[32, 65]))),
    CONSTRAINT expert_region_check CHECK (((length(region) >= 1) AND (length(region) <= 60))),
    CONSTRAINT expert_specialities_check CHECK (((cardinality(specialities) >= 1) AND (cardinality(specialities) <= 20)))
);

COMMENT ON TABLE experts.expert IS '评标专家. Names leave this table only for the keeper of the pool and the expert.';

CREATE TABLE experts.panel (
    lot uuid NOT NULL,
    status text DEFAULT 'forming'::text NOT NULL,
    seats integer NOT NULL,
    formed_at timestamp with time zone NOT NULL,
    locked_at timestamp with time zone,
    report bytea,
    CONSTRAINT panel_seats_check CHECK ((seats >= 1))
);

COMMENT ON TABLE experts.panel IS '评标委员会 of a lot. Locked: every seat has handed in its sheet.';

CREATE TABLE experts.panel_transition (
    before text NOT NULL,
    event text NOT NULL,
    after text NOT NULL
);

COMMENT ON TABLE experts.panel_transition IS 'Equal to experts.panel.domain.TRANSITIONS; a trigger refuses every other move.';

CREATE TABLE experts.relation (
    expert uuid NOT NULL,
    uscc text NOT NULL,
    reason text NOT NULL,
    declared_at timestamp with time zone NOT NULL,
    CONSTRAINT relation_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT relation_uscc_check CHECK ((length(uscc) = 18))
);

COMMENT ON TABLE experts.relation IS 'Organisations on whose bids an expert may not sit, beside the employer (回避).';

CREATE TABLE experts.score (
    lot uuid NOT NULL,
    expert uuid NOT NULL,
    code text NOT NULL,
    criterion text NOT NULL,
    score text,
    passed boolean,
    CONSTRAINT score_is_points_or_passed CHECK (((score IS NULL) <> (passed IS NULL))),
    CONSTRAINT score_score_check CHECK ((score ~ '^(0|[1-9][0-9]{0,3})(\.[0-9]{0,5}[1-9])?$'::text))
);

COMMENT ON TABLE experts.score IS 'The rows of the signed sheets, equal to them; the verifier compares both.';

CREATE TABLE experts.scorecard (
    lot uuid NOT NULL,
    expert uuid NOT NULL,
    sid bytea NOT NULL,
    accepted_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE experts.scorecard IS '评分表: one signed sheet a seat, one version.';

CREATE TABLE experts.seat (
    lot uuid NOT NULL,
    number integer NOT NULL,
    expert uuid NOT NULL,
    status text DEFAULT 'called'::text NOT NULL,
    pledge bytea,
    called_at timestamp with time zone NOT NULL,
    unblinded_at timestamp with time zone,
    CONSTRAINT seat_number_check CHECK ((number >= 1)),
    CONSTRAINT seat_pledged_by_statement CHECK (((status <> 'pledged'::text) OR (pledge IS NOT NULL))),
    CONSTRAINT seat_status_check CHECK ((status = ANY (ARRAY['called'::text, 'pledged'::text, 'recused'::text])))
);

COMMENT ON TABLE experts.seat IS 'Who sits where. A recused expert keeps the row; the seat goes to the next of the reserve.';

COMMENT ON COLUMN experts.seat.unblinded_at IS 'When this member opened the qualification volumes, which name the bidders; from then on its
technical marks are frozen.';

CREATE TABLE experts.seed_commit (
    sid bytea NOT NULL,
    lot uuid NOT NULL,
    contributor text NOT NULL,
    commitment bytea NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    CONSTRAINT seed_commit_commitment_check CHECK ((length(commitment) = 32))
);

CREATE TABLE experts.seed_reveal (
    commitment_sid bytea NOT NULL,
    sid bytea NOT NULL,
    lot uuid NOT NULL,
    secret bytea NOT NULL,
    revealed_at timestamp with time zone NOT NULL,
    CONSTRAINT seed_reveal_secret_check CHECK ((length(secret) = 32))
);

COMMENT ON TABLE experts.seed_reveal IS 'Secrets behind the commitments; accepted only after the closing of the lot.';

CREATE VIEW experts.v_panel AS
 SELECT lot,
    status,
    seats,
    formed_at,
    locked_at,
    encode(report, 'hex'::text) AS report
   FROM experts.panel;

COMMENT ON VIEW experts.v_panel IS 'How far a panel is; nobody''s name.';

CREATE VIEW experts.v_score AS
 SELECT s.lot,
    s.expert,
    s.code,
    s.criterion,
    s.score,
    s.passed,
    b.submission
   FROM ((experts.score s
     JOIN experts.panel p ON ((p.lot = s.lot)))
     JOIN experts.blind_bid b ON (((b.lot = s.lot) AND (b.code = s.code))))
  WHERE (p.status = ANY (ARRAY['reported'::text, 'accepted'::text]));

COMMENT ON VIEW experts.v_score IS 'Scores with the bids behind the codes, once the report stands.';

CREATE TABLE foundation.actor (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    role text NOT NULL,
    subject text,
    name text NOT NULL,
    kid text,
    alg text,
    pk bytea,
    registered_by uuid,
    registered_at timestamp with time zone NOT NULL,
    CONSTRAINT actor_alg_check CHECK ((alg = ANY (ARRAY['ES256'::text, 'EdDSA'::text, 'SM2SM3'::text]))),
    CONSTRAINT actor_can_log_in CHECK (((subject IS NOT NULL) OR (kid IS NOT NULL))),
    CONSTRAINT actor_key_is_whole CHECK ((((kid IS NULL) = (alg IS NULL)) AND ((kid IS NULL) = (pk IS NULL)))),
    CONSTRAINT actor_kid_check CHECK ((length(kid) = 16)),
    CONSTRAINT actor_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT actor_pk_check CHECK ((length(pk) = ANY (ARRAY[32, 65]))),
    CONSTRAINT actor_role_check CHECK ((role ~ '^[a-z][a-z-]{0,31}$'::text)),
    CONSTRAINT actor_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 64)))
);

COMMENT ON TABLE foundation.actor IS 'An organisation that logs in by its licence (no key) or a person who logs in by a key';

COMMENT ON COLUMN foundation.actor.subject IS 'Identifier of the organisation; of a person, the organisation that the person belongs to';

COMMENT ON COLUMN foundation.actor.registered_by IS 'The administrator; null for one that came by its own first login';

CREATE UNLOGGED TABLE foundation.attempt (
    key text NOT NULL,
    window_at timestamp with time zone NOT NULL,
    count integer NOT NULL,
    CONSTRAINT attempt_key_check CHECK (((length(key) >= 1) AND (length(key) <= 100)))
);

COMMENT ON TABLE foundation.attempt IS 'How often somebody tried within the present minute; may be lost in a crash';

CREATE TABLE foundation.challenge (
    id uuid NOT NULL,
    purpose text NOT NULL,
    binding bytea NOT NULL,
    match text NOT NULL,
    state text DEFAULT 'new'::text NOT NULL,
    wrong_digits integer DEFAULT 0 NOT NULL,
    signed bytea,
    expires_at timestamp with time zone NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT challenge_binding_check CHECK ((length(binding) = 32)),
    CONSTRAINT challenge_ends_after_three CHECK (((wrong_digits >= 0) AND (wrong_digits <= 3))),
    CONSTRAINT challenge_match_check CHECK ((match ~ '^[0-9]{2}$'::text)),
    CONSTRAINT challenge_purpose_check CHECK ((purpose = ANY (ARRAY['login'::text, 'sign'::text]))),
    CONSTRAINT challenge_state_is_known CHECK ((state = ANY (ARRAY['new'::text, 'scanned'::text, 'consumed'::text, 'expired'::text, 'refused'::text])))
);

COMMENT ON TABLE foundation.challenge IS 'What a browser shows as a code and a phone signs; one browser, one use, minutes to live';

COMMENT ON COLUMN foundation.challenge.id IS 'A digest of the id in the code: whoever reads this table cannot tell the id';

COMMENT ON COLUMN foundation.challenge.binding IS 'SHA-256 of the cookie of the browser that asked';

COMMENT ON COLUMN foundation.challenge.signed IS 'The statement file that the phone sent, encrypted likewise';

COMMENT ON COLUMN foundation.challenge.content IS 'Statement, signer and way back, encrypted with a key that follows from the id in the code';

CREATE TABLE foundation.challenge_transition (
    before text NOT NULL,
    after text NOT NULL
);

COMMENT ON TABLE foundation.challenge_transition IS 'The moves of a challenge; no others are made';

CREATE TABLE foundation.ledger_checkpoint (
    size bigint NOT NULL,
    note text NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    CONSTRAINT ledger_checkpoint_note_check CHECK (((length(note) >= 1) AND (length(note) <= 4096))),
    CONSTRAINT ledger_checkpoint_size_check CHECK ((size > 0))
);

COMMENT ON TABLE foundation.ledger_checkpoint IS 'What the signer signed, as a C2SP note without cosignatures; signed only after the commit';

CREATE TABLE foundation.ledger_cosignature (
    size bigint NOT NULL,
    witness text NOT NULL,
    line text NOT NULL,
    CONSTRAINT ledger_cosignature_line_check CHECK (((length(line) >= 1) AND (length(line) <= 400))),
    CONSTRAINT ledger_cosignature_witness_check CHECK (((length(witness) >= 1) AND (length(witness) <= 120)))
);

COMMENT ON TABLE foundation.ledger_cosignature IS 'Signature lines of witnesses below a checkpoint (cosignature/v1)';

CREATE TABLE foundation.ledger_entry (
    index bigint NOT NULL,
    leaf bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    salt bytea NOT NULL,
    body text NOT NULL,
    batch bigint NOT NULL,
    CONSTRAINT ledger_entry_batch_check CHECK ((batch > 0)),
    CONSTRAINT ledger_entry_hash_fits_leaf CHECK ((leaf_hash = sha256(('\x00'::bytea || leaf)))),
    CONSTRAINT ledger_entry_index_check CHECK ((index >= 0)),
    CONSTRAINT ledger_entry_leaf_check CHECK ((length(leaf) = 41)),
    CONSTRAINT ledger_entry_leaf_fits_body CHECK ((SUBSTRING(leaf FROM 10) = sha256((('\x73756e6269642f636f6d6d69742f763100'::bytea || salt) || convert_to(body, 'UTF8'::name))))),
    CONSTRAINT ledger_entry_salt_check CHECK ((length(salt) = 32))
);

COMMENT ON TABLE foundation.ledger_entry IS 'Numbered entries: leaf and leaf hash are public, salt and body until the opening are not';

COMMENT ON COLUMN foundation.ledger_entry.leaf IS '0x01, time in Unix ms, SHA-256 of label, salt and body';

COMMENT ON COLUMN foundation.ledger_entry.batch IS 'The tick that brought it, from 1';

CREATE TABLE foundation.ledger_gate (
    is_only boolean DEFAULT true NOT NULL,
    is_open boolean NOT NULL,
    reason text,
    CONSTRAINT ledger_gate_is_one CHECK (is_only)
);

COMMENT ON TABLE foundation.ledger_gate IS 'Closed when these records are older than what the signer has signed: then nothing is queued';

CREATE TABLE foundation.ledger_head (
    is_only boolean DEFAULT true NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    time_ms bigint NOT NULL,
    batch bigint NOT NULL,
    CONSTRAINT ledger_head_batch_check CHECK ((batch >= 0)),
    CONSTRAINT ledger_head_is_one CHECK (is_only),
    CONSTRAINT ledger_head_root_check CHECK ((length(root) = 32)),
    CONSTRAINT ledger_head_size_check CHECK ((size >= 0)),
    CONSTRAINT ledger_head_time_ms_check CHECK ((time_ms >= 0))
);

COMMENT ON TABLE foundation.ledger_head IS 'The newest committed state; whoever appends holds this row, so there is one sequencer';

CREATE TABLE foundation.ledger_node (
    level integer NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT ledger_node_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT ledger_node_index_check CHECK ((index >= 0)),
    CONSTRAINT ledger_node_level_check CHECK (((level >= 0) AND (level <= 62)))
);

COMMENT ON TABLE foundation.ledger_node IS 'Complete nodes of the hash tree (RFC 6962); level 0 are the leaf hashes';

CREATE TABLE foundation.ledger_origin (
    is_only boolean DEFAULT true NOT NULL,
    origin text NOT NULL,
    vkey text NOT NULL,
    CONSTRAINT ledger_origin_is_one CHECK (is_only),
    CONSTRAINT ledger_origin_origin_check CHECK (((length(origin) >= 1) AND (length(origin) <= 120))),
    CONSTRAINT ledger_origin_vkey_check CHECK (((length(vkey) >= 1) AND (length(vkey) <= 200)))
);

COMMENT ON TABLE foundation.ledger_origin IS 'The name of this log and its key, as the signer gave them first; a new key is a new origin';

CREATE TABLE foundation.ledger_queue (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    body text NOT NULL,
    salt bytea NOT NULL,
    first_index boolean DEFAULT false NOT NULL,
    index bigint,
    CONSTRAINT ledger_queue_body_check CHECK (((length(body) >= 2) AND (length(body) <= 4096))),
    CONSTRAINT ledger_queue_index_check CHECK ((index >= 0)),
    CONSTRAINT ledger_queue_salt_check CHECK ((length(salt) = 32))
);

COMMENT ON TABLE foundation.ledger_queue IS 'What was accepted, in the transaction that accepted it; the sequencer takes all that wait';

COMMENT ON COLUMN foundation.ledger_queue.body IS 'Canonical JSON';

COMMENT ON COLUMN foundation.ledger_queue.first_index IS 'The sequencer writes the index of the batch''s first leaf into the body';

COMMENT ON COLUMN foundation.ledger_queue.index IS 'Where the leaf stands; null while it waits';

CREATE TABLE foundation.ledger_token (
    size bigint NOT NULL,
    token bytea NOT NULL,
    CONSTRAINT ledger_token_token_check CHECK (((length(token) >= 1) AND (length(token) <= 65536)))
);

COMMENT ON TABLE foundation.ledger_token IS 'RFC 3161 tokens over the text of a checkpoint without its signature lines';

CREATE TABLE foundation.ledger_witnessed (
    size bigint NOT NULL,
    at timestamp with time zone NOT NULL
);

COMMENT ON TABLE foundation.ledger_witnessed IS 'Checkpoints whose cosignatures met the quorum of the policy, and since when';

CREATE TABLE foundation.paper (
    sid bytea NOT NULL,
    type text NOT NULL,
    scope uuid,
    raw bytea NOT NULL,
    offered_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    CONSTRAINT paper_sid_check CHECK ((length(sid) = 32))
);

COMMENT ON TABLE foundation.paper IS 'A statement that waits for signatures; raw grows by one signature at a time.';

COMMENT ON COLUMN foundation.paper.withdrawn_at IS 'Another paper took its place; nobody signs this one any more.';

CREATE TABLE foundation.paper_signer (
    sid bytea NOT NULL,
    slot integer NOT NULL,
    role text NOT NULL,
    subject text,
    kid text,
    signed_at timestamp with time zone,
    optional boolean DEFAULT false NOT NULL,
    CONSTRAINT paper_signer_is_named CHECK (((subject IS NULL) <> (kid IS NULL)))
);

COMMENT ON TABLE foundation.paper_signer IS 'Who must sign a paper: an organisation by its identifier or a person by the kid of the key.';

COMMENT ON COLUMN foundation.paper_signer.optional IS 'May sign while the paper waits; the paper is complete without this signature.';

CREATE TABLE foundation.pgqueuer (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status foundation.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);

CREATE SEQUENCE foundation.pgqueuer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE foundation.pgqueuer_id_seq OWNED BY foundation.pgqueuer.id;

CREATE TABLE foundation.pgqueuer_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status foundation.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

ALTER TABLE foundation.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME foundation.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE foundation.pgqueuer_schedules (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status foundation.pgqueuer_status DEFAULT 'queued'::foundation.pgqueuer_status
);

CREATE SEQUENCE foundation.pgqueuer_schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE foundation.pgqueuer_schedules_id_seq OWNED BY foundation.pgqueuer_schedules.id;

CREATE TABLE foundation.pgqueuer_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status foundation.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);

CREATE SEQUENCE foundation.pgqueuer_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE foundation.pgqueuer_statistics_id_seq OWNED BY foundation.pgqueuer_statistics.id;

CREATE TABLE foundation.platform_clock (
    is_only boolean DEFAULT true NOT NULL,
    demo boolean DEFAULT false NOT NULL,
    real_at timestamp with time zone NOT NULL,
    platform_at timestamp with time zone NOT NULL,
    factor double precision DEFAULT 1 NOT NULL,
    CONSTRAINT platform_clock_goes_forward CHECK (((factor >= (0)::double precision) AND (factor <= (1000000)::double precision))),
    CONSTRAINT platform_clock_is_one CHECK (is_only),
    CONSTRAINT platform_clock_is_real_outside_a_demonstration CHECK ((demo OR ((factor = (1)::double precision) AND (platform_at = real_at))))
);

COMMENT ON TABLE foundation.platform_clock IS 'One row: at real_at it was platform_at, and since then factor times faster';

CREATE TABLE foundation.session (
    token_hash bytea NOT NULL,
    actor uuid NOT NULL,
    login bytea NOT NULL,
    licence_status text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone DEFAULT (clock_timestamp() + '08:00:00'::interval) NOT NULL,
    CONSTRAINT session_licence_status_check CHECK ((licence_status = ANY (ARRAY['good'::text, 'unknown'::text]))),
    CONSTRAINT session_token_hash_check CHECK ((length(token_hash) = 32))
);

COMMENT ON TABLE foundation.session IS 'Who is logged in; ends 30 minutes after the last request and 8 hours after the login';

COMMENT ON COLUMN foundation.session.token_hash IS 'SHA-256 of the opaque token, so that a copy of this table opens no session';

COMMENT ON COLUMN foundation.session.login IS 'The signed login statement, which the signer asks for; gone with the session';

CREATE TABLE foundation.statement (
    sid bytea NOT NULL,
    type text NOT NULL,
    scope uuid,
    raw bytea NOT NULL,
    public boolean NOT NULL,
    queue uuid,
    accepted_at timestamp with time zone NOT NULL,
    CONSTRAINT statement_sid_check CHECK ((length(sid) = 32))
);

COMMENT ON TABLE foundation.statement IS 'Every accepted signed statement, byte for byte as its file; never changed afterwards.';

COMMENT ON COLUMN foundation.statement.public IS 'True: file and leaf opening are published at once. False: with the record that settles it.';

COMMENT ON COLUMN foundation.statement.queue IS 'The ledger entry that names it; null for statements that point to another leaf.';

CREATE TABLE public.migration (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE supervision.case_file (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    lot uuid NOT NULL,
    status text DEFAULT 'opened'::text NOT NULL,
    opened_by uuid NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    handler uuid,
    outcome text,
    reason text,
    proposed_by uuid,
    proposed_at timestamp with time zone,
    confirmed_by uuid,
    closed_at timestamp with time zone,
    CONSTRAINT case_closed_as_proposed CHECK (((status <> ALL (ARRAY['decided'::text, 'dismissed'::text])) OR (status = outcome))),
    CONSTRAINT case_closed_by_two CHECK (((status = ANY (ARRAY['decided'::text, 'dismissed'::text])) = ((confirmed_by IS NOT NULL) AND (proposed_by IS NOT NULL) AND (closed_at IS NOT NULL)))),
    CONSTRAINT case_file_outcome_check CHECK ((outcome = ANY (ARRAY['decided'::text, 'dismissed'::text]))),
    CONSTRAINT case_file_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 4000))),
    CONSTRAINT case_has_handler CHECK (((status = 'opened'::text) OR (handler IS NOT NULL))),
    CONSTRAINT case_needs_two CHECK (((confirmed_by IS NULL) OR (confirmed_by <> proposed_by)))
);

COMMENT ON TABLE supervision.case_file IS '核查案件: a person took up the clues of a lot; closed only by a second person.';

CREATE TABLE supervision.case_note (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    case_file uuid NOT NULL,
    finding uuid,
    choice text,
    text text NOT NULL,
    author uuid NOT NULL,
    noted_at timestamp with time zone NOT NULL,
    CONSTRAINT case_note_choice_check CHECK ((choice = ANY (ARRAY['accepted'::text, 'more'::text, 'dismissed'::text]))),
    CONSTRAINT case_note_text_check CHECK (((length(text) >= 1) AND (length(text) <= 4000))),
    CONSTRAINT choice_is_about_a_finding CHECK (((choice IS NULL) OR (finding IS NOT NULL)))
);

COMMENT ON TABLE supervision.case_note IS 'What people wrote in a case; a choice about a finding (采信, 需补证, 排除) always has a reason.';

CREATE TABLE supervision.case_transition (
    before text NOT NULL,
    event text NOT NULL,
    after text NOT NULL
);

COMMENT ON TABLE supervision.case_transition IS 'Equal to supervision.cases.domain.TRANSITIONS; a trigger refuses every other move.';

CREATE TABLE supervision.evidence (
    finding uuid NOT NULL,
    number integer NOT NULL,
    kind text NOT NULL,
    raw bytea NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT evidence_is_pinned CHECK ((sha256 = sha256(raw))),
    CONSTRAINT evidence_number_check CHECK ((number >= 1))
);

COMMENT ON TABLE supervision.evidence IS 'Canonical JSON of one piece of evidence, with the hashes of the files that it quotes.';

CREATE TABLE supervision.examination (
    lot uuid NOT NULL,
    tender uuid NOT NULL,
    examined_at timestamp with time zone NOT NULL,
    rules_version text NOT NULL,
    bids integer NOT NULL,
    pairs integer NOT NULL,
    grade text,
    due_at timestamp with time zone,
    suspicions jsonb NOT NULL,
    problems jsonb NOT NULL,
    CONSTRAINT examination_bids_check CHECK ((bids >= 0)),
    CONSTRAINT examination_due_when_graded CHECK (((grade IS NULL) = (due_at IS NULL))),
    CONSTRAINT examination_grade_check CHECK ((grade = ANY (ARRAY['A'::text, 'B'::text, 'C'::text]))),
    CONSTRAINT examination_pairs_check CHECK ((pairs >= 0))
);

COMMENT ON TABLE supervision.examination IS 'One look of the rules at the opened bids of a lot; grade is the gravest of its suspicions.';

CREATE TABLE supervision.examined_file (
    lot uuid NOT NULL,
    submission uuid NOT NULL,
    file text NOT NULL,
    sha256 bytea NOT NULL,
    pages integer NOT NULL,
    problem text,
    CONSTRAINT examined_file_sha256_check CHECK ((octet_length(sha256) = 32))
);

COMMENT ON TABLE supervision.examined_file IS 'The files that were read, by the hash of their bytes.';

CREATE TABLE supervision.finding (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    lot uuid NOT NULL,
    number integer NOT NULL,
    flag text NOT NULL,
    grade text NOT NULL,
    carrier text NOT NULL,
    article text NOT NULL,
    bidders jsonb NOT NULL,
    pairs integer NOT NULL,
    place jsonb NOT NULL,
    base_rate jsonb NOT NULL,
    measure text NOT NULL,
    others jsonb NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT finding_grade_check CHECK ((grade = ANY (ARRAY['A'::text, 'B'::text, 'C'::text]))),
    CONSTRAINT finding_number_check CHECK ((number >= 1)),
    CONSTRAINT finding_pairs_check CHECK ((pairs >= 1)),
    CONSTRAINT finding_sha256_check CHECK ((octet_length(sha256) = 32))
);

COMMENT ON TABLE supervision.finding IS 'A fired red flag: a clue, not a verdict. sha256 is over the hashes of its evidence in order.';

COMMENT ON COLUMN supervision.finding.place IS 'Values for the places in the texts of the flag.';

COMMENT ON COLUMN supervision.finding.others IS 'The same measure for every pair of the lot.';

CREATE TABLE supervision.property (
    lot uuid NOT NULL,
    submission uuid NOT NULL,
    field text NOT NULL,
    value text NOT NULL
);

COMMENT ON TABLE supervision.property IS 'Properties of files of all examined bids: how rare a value is can only be told from many.';

ALTER TABLE ONLY foundation.pgqueuer ALTER COLUMN id SET DEFAULT nextval('foundation.pgqueuer_id_seq'::regclass);

ALTER TABLE ONLY foundation.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('foundation.pgqueuer_schedules_id_seq'::regclass);

ALTER TABLE ONLY foundation.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('foundation.pgqueuer_statistics_id_seq'::regclass);

ALTER TABLE ONLY bidding.act
    ADD CONSTRAINT act_lot_round_bidder_key_seq_key UNIQUE (lot, round, bidder_key, seq);

ALTER TABLE ONLY bidding.act
    ADD CONSTRAINT act_pkey PRIMARY KEY (sid);

ALTER TABLE ONLY bidding.act
    ADD CONSTRAINT act_receipt_id_key UNIQUE (receipt_id);

ALTER TABLE ONLY bidding.address
    ADD CONSTRAINT address_pkey PRIMARY KEY (id);

ALTER TABLE ONLY bidding.award_member
    ADD CONSTRAINT award_member_pkey PRIMARY KEY (lot, member);

ALTER TABLE ONLY bidding.award
    ADD CONSTRAINT award_pkey PRIMARY KEY (lot);

ALTER TABLE ONLY bidding.candidate_notice
    ADD CONSTRAINT candidate_notice_pkey PRIMARY KEY (lot);

ALTER TABLE ONLY bidding.document
    ADD CONSTRAINT document_lot_name_key UNIQUE (lot, name);

ALTER TABLE ONLY bidding.document
    ADD CONSTRAINT document_pkey PRIMARY KEY (id);

ALTER TABLE ONLY bidding.door_refusal
    ADD CONSTRAINT door_refusal_pkey PRIMARY KEY (act, code);

ALTER TABLE ONLY bidding.evaluation
    ADD CONSTRAINT evaluation_pkey PRIMARY KEY (lot);

ALTER TABLE ONLY bidding.head
    ADD CONSTRAINT head_pkey PRIMARY KEY (act, header_hash);

ALTER TABLE ONLY bidding.listed
    ADD CONSTRAINT listed_lot_submission_volume_key UNIQUE (lot, submission, volume);

ALTER TABLE ONLY bidding.listed
    ADD CONSTRAINT listed_pkey PRIMARY KEY (lot, tree);

ALTER TABLE ONLY bidding.lot
    ADD CONSTRAINT lot_lock_key_key UNIQUE (lock_key);

ALTER TABLE ONLY bidding.lot
    ADD CONSTRAINT lot_pkey PRIMARY KEY (id);

ALTER TABLE ONLY bidding.lot
    ADD CONSTRAINT lot_tender_number_round_key UNIQUE (tender, number, round);

ALTER TABLE ONLY bidding.lot_transition
    ADD CONSTRAINT lot_transition_pkey PRIMARY KEY (before, event);

ALTER TABLE ONLY bidding.mandate
    ADD CONSTRAINT mandate_pkey PRIMARY KEY (sid);

ALTER TABLE ONLY bidding.member_key
    ADD CONSTRAINT member_key_pkey PRIMARY KEY (sid);

ALTER TABLE ONLY bidding.member_key
    ADD CONSTRAINT member_key_sign_kid_key UNIQUE (sign_kid);

ALTER TABLE ONLY bidding.opened_bid
    ADD CONSTRAINT opened_bid_pkey PRIMARY KEY (lot, submission);

ALTER TABLE ONLY bidding.opened_stage
    ADD CONSTRAINT opened_stage_pkey PRIMARY KEY (lot, stage);

ALTER TABLE ONLY bidding.opening
    ADD CONSTRAINT opening_pkey PRIMARY KEY (lot);

ALTER TABLE ONLY bidding.plan
    ADD CONSTRAINT plan_number_key UNIQUE (number);

ALTER TABLE ONLY bidding.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (id);

ALTER TABLE ONLY bidding.possession
    ADD CONSTRAINT possession_pkey PRIMARY KEY (member_key, nonce);

ALTER TABLE ONLY bidding.postponement
    ADD CONSTRAINT postponement_pkey PRIMARY KEY (schedule);

ALTER TABLE ONLY bidding.readiness
    ADD CONSTRAINT readiness_pkey PRIMARY KEY (opening_keys, group_letter, seat_index, nonce);

ALTER TABLE ONLY bidding.result
    ADD CONSTRAINT result_pkey PRIMARY KEY (lot, tree);

ALTER TABLE ONLY bidding.share_check
    ADD CONSTRAINT share_check_pkey PRIMARY KEY (lot, group_letter, seat_index, tree);

ALTER TABLE ONLY bidding.share
    ADD CONSTRAINT share_pkey PRIMARY KEY (lot, group_letter, seat_index, tree);

ALTER TABLE ONLY bidding.tender
    ADD CONSTRAINT tender_number_key UNIQUE (number);

ALTER TABLE ONLY bidding.tender
    ADD CONSTRAINT tender_pkey PRIMARY KEY (id);

ALTER TABLE ONLY bidding.upload
    ADD CONSTRAINT upload_pkey PRIMARY KEY (id);

ALTER TABLE ONLY bidding.upload_quota
    ADD CONSTRAINT upload_quota_pkey PRIMARY KEY (session);

ALTER TABLE ONLY bidding.vote
    ADD CONSTRAINT vote_once_a_ballot UNIQUE (lot, ballot, member);

ALTER TABLE ONLY bidding.vote
    ADD CONSTRAINT vote_pkey PRIMARY KEY (sid);

ALTER TABLE ONLY experts.blind_bid
    ADD CONSTRAINT blind_bid_lot_submission_key UNIQUE (lot, submission);

ALTER TABLE ONLY experts.blind_bid
    ADD CONSTRAINT blind_bid_pkey PRIMARY KEY (lot, code);

ALTER TABLE ONLY experts.committed_pool
    ADD CONSTRAINT committed_pool_pkey PRIMARY KEY (lot);

ALTER TABLE ONLY experts.dissent
    ADD CONSTRAINT dissent_once PRIMARY KEY (report, expert);

ALTER TABLE ONLY experts.draft_mark
    ADD CONSTRAINT draft_mark_pkey PRIMARY KEY (lot, expert, code, criterion);

ALTER TABLE ONLY experts.drawing
    ADD CONSTRAINT drawing_once PRIMARY KEY (lot, kind);

ALTER TABLE ONLY experts.expert
    ADD CONSTRAINT expert_key_once UNIQUE (kid);

ALTER TABLE ONLY experts.expert
    ADD CONSTRAINT expert_pkey PRIMARY KEY (id);

ALTER TABLE ONLY experts.panel
    ADD CONSTRAINT panel_pkey PRIMARY KEY (lot);

ALTER TABLE ONLY experts.panel_transition
    ADD CONSTRAINT panel_transition_pkey PRIMARY KEY (before, event);

ALTER TABLE ONLY experts.relation
    ADD CONSTRAINT relation_pkey PRIMARY KEY (expert, uscc);

ALTER TABLE ONLY experts.score
    ADD CONSTRAINT score_pkey PRIMARY KEY (lot, expert, code, criterion);

ALTER TABLE ONLY experts.scorecard
    ADD CONSTRAINT scorecard_once PRIMARY KEY (lot, expert);

ALTER TABLE ONLY experts.scorecard
    ADD CONSTRAINT scorecard_sid_key UNIQUE (sid);

ALTER TABLE ONLY experts.seat
    ADD CONSTRAINT seat_pkey PRIMARY KEY (lot, expert);

ALTER TABLE ONLY experts.seed_commit
    ADD CONSTRAINT seed_commit_once UNIQUE (lot, contributor);

ALTER TABLE ONLY experts.seed_commit
    ADD CONSTRAINT seed_commit_pkey PRIMARY KEY (sid);

ALTER TABLE ONLY experts.seed_reveal
    ADD CONSTRAINT seed_reveal_pkey PRIMARY KEY (commitment_sid);

ALTER TABLE ONLY foundation.actor
    ADD CONSTRAINT actor_pkey PRIMARY KEY (id);

ALTER TABLE ONLY foundation.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (key);

ALTER TABLE ONLY foundation.challenge
    ADD CONSTRAINT challenge_pkey PRIMARY KEY (id);

ALTER TABLE ONLY foundation.challenge_transition
    ADD CONSTRAINT challenge_transition_pkey PRIMARY KEY (before, after);

ALTER TABLE ONLY foundation.ledger_checkpoint
    ADD CONSTRAINT ledger_checkpoint_pkey PRIMARY KEY (size);

ALTER TABLE ONLY foundation.ledger_cosignature
    ADD CONSTRAINT ledger_cosignature_pkey PRIMARY KEY (size, witness);

ALTER TABLE ONLY foundation.ledger_entry
    ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (index);

ALTER TABLE ONLY foundation.ledger_gate
    ADD CONSTRAINT ledger_gate_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY foundation.ledger_head
    ADD CONSTRAINT ledger_head_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY foundation.ledger_node
    ADD CONSTRAINT ledger_node_pkey PRIMARY KEY (level, index);

ALTER TABLE ONLY foundation.ledger_origin
    ADD CONSTRAINT ledger_origin_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY foundation.ledger_queue
    ADD CONSTRAINT ledger_queue_index_is_unique UNIQUE (index);

ALTER TABLE ONLY foundation.ledger_queue
    ADD CONSTRAINT ledger_queue_pkey PRIMARY KEY (id);

ALTER TABLE ONLY foundation.ledger_token
    ADD CONSTRAINT ledger_token_pkey PRIMARY KEY (size);

ALTER TABLE ONLY foundation.ledger_witnessed
    ADD CONSTRAINT ledger_witnessed_pkey PRIMARY KEY (size);

ALTER TABLE ONLY foundation.paper
    ADD CONSTRAINT paper_pkey PRIMARY KEY (sid);

ALTER TABLE ONLY foundation.paper_signer
    ADD CONSTRAINT paper_signer_pkey PRIMARY KEY (sid, slot);

ALTER TABLE ONLY foundation.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY foundation.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY foundation.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);

ALTER TABLE ONLY foundation.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY foundation.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);

ALTER TABLE ONLY foundation.platform_clock
    ADD CONSTRAINT platform_clock_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY foundation.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY foundation.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (sid);

ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY supervision.case_file
    ADD CONSTRAINT case_file_pkey PRIMARY KEY (id);

ALTER TABLE ONLY supervision.case_note
    ADD CONSTRAINT case_note_pkey PRIMARY KEY (id);

ALTER TABLE ONLY supervision.case_file
    ADD CONSTRAINT case_once_a_lot UNIQUE (lot);

ALTER TABLE ONLY supervision.case_transition
    ADD CONSTRAINT case_transition_pkey PRIMARY KEY (before, event);

ALTER TABLE ONLY supervision.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (finding, number);

ALTER TABLE ONLY supervision.examination
    ADD CONSTRAINT examination_pkey PRIMARY KEY (lot);

ALTER TABLE ONLY supervision.examined_file
    ADD CONSTRAINT examined_file_pkey PRIMARY KEY (lot, submission, file);

ALTER TABLE ONLY supervision.finding
    ADD CONSTRAINT finding_lot_number_key UNIQUE (lot, number);

ALTER TABLE ONLY supervision.finding
    ADD CONSTRAINT finding_pkey PRIMARY KEY (id);

ALTER TABLE ONLY supervision.property
    ADD CONSTRAINT property_pkey PRIMARY KEY (lot, submission, field, value);

CREATE INDEX act_of_lot ON bidding.act USING btree (lot, round);

CREATE UNIQUE INDEX act_pending ON bidding.act USING btree (lot, round, bidder_key) WHERE (state = 'pending'::text);

CREATE INDEX act_without_receipt ON bidding.act USING btree (queue) WHERE ((state = 'accepted'::text) AND (receipt IS NULL));

CREATE INDEX address_of_lot ON bidding.address USING btree (lot, id);

CREATE INDEX door_refusal_of_bidder ON bidding.door_refusal USING btree (lot, round, bidder_key);

CREATE INDEX lot_due ON bidding.lot USING btree (deadline_at) WHERE (status = 'published'::text);

CREATE INDEX mandate_of_key ON bidding.mandate USING btree (kid);

CREATE INDEX mandate_of_owner ON bidding.mandate USING btree (owner);

CREATE INDEX member_key_uscc ON bidding.member_key USING btree (uscc, not_after);

CREATE INDEX possession_answered ON bidding.possession USING btree (member_key, answered_at);

CREATE INDEX postponement_of_lot ON bidding.postponement USING btree (lot, proposed_at);

CREATE UNIQUE INDEX seat_has_one_expert ON experts.seat USING btree (lot, number) WHERE (status <> 'recused'::text);

CREATE UNIQUE INDEX actor_of_key ON foundation.actor USING btree (kid) WHERE (kid IS NOT NULL);

CREATE UNIQUE INDEX actor_of_subject ON foundation.actor USING btree (subject) WHERE (kid IS NULL);

CREATE INDEX challenge_ends ON foundation.challenge USING btree (expires_at);

CREATE INDEX ledger_entry_batch ON foundation.ledger_entry USING btree (batch);

CREATE INDEX ledger_entry_body ON foundation.ledger_entry USING gin (((body)::jsonb) jsonb_path_ops) WHERE (body <> '{"t":"cover","v":1}'::text);

CREATE INDEX ledger_entry_time ON foundation.ledger_entry USING btree (SUBSTRING(leaf FROM 2 FOR 8));

CREATE INDEX ledger_queue_waiting ON foundation.ledger_queue USING btree (id) WHERE (index IS NULL);

CREATE INDEX paper_of_scope ON foundation.paper USING btree (scope, type);

CREATE INDEX paper_signer_waiting ON foundation.paper_signer USING btree (subject, kid) WHERE (signed_at IS NULL);

CREATE INDEX pgqueuer_ep_ea_idx ON foundation.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::foundation.pgqueuer_status);

CREATE INDEX pgqueuer_ep_prio_id_idx ON foundation.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::foundation.pgqueuer_status);

CREATE INDEX pgqueuer_log_created ON foundation.pgqueuer_log USING btree (created);

CREATE INDEX pgqueuer_log_job_id_status ON foundation.pgqueuer_log USING btree (job_id, created DESC);

CREATE INDEX pgqueuer_log_not_aggregated ON foundation.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);

CREATE INDEX pgqueuer_log_status ON foundation.pgqueuer_log USING btree (status);

CREATE INDEX pgqueuer_picked_heartbeat_idx ON foundation.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::foundation.pgqueuer_status);

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON foundation.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::foundation.pgqueuer_status) AND (slot IS NOT NULL));

CREATE INDEX pgqueuer_priority_id_id1_idx ON foundation.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::foundation.pgqueuer_status);

CREATE INDEX pgqueuer_queue_manager_id_idx ON foundation.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON foundation.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON foundation.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::foundation.pgqueuer_status, 'picked'::foundation.pgqueuer_status])) AND (dedupe_key IS NOT NULL));

CREATE INDEX pgqueuer_updated_id_id1_idx ON foundation.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::foundation.pgqueuer_status);

CREATE INDEX session_ends ON foundation.session USING btree (expires_at);

CREATE INDEX statement_of_scope ON foundation.statement USING btree (scope, type, accepted_at);

CREATE INDEX case_note_of_case ON supervision.case_note USING btree (case_file, noted_at);

CREATE INDEX finding_of_flag ON supervision.finding USING btree (flag);

CREATE INDEX property_by_value ON supervision.property USING btree (field, value);

CREATE TRIGGER act_is_never_deleted BEFORE DELETE ON bidding.act FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER act_is_written_once BEFORE UPDATE ON bidding.act FOR EACH ROW EXECUTE FUNCTION bidding.check_act_change();

CREATE TRIGGER lot_moves BEFORE UPDATE OF status ON bidding.lot FOR EACH ROW EXECUTE FUNCTION bidding.check_lot_move();

CREATE TRIGGER mandate_is_never_deleted BEFORE DELETE ON bidding.mandate FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER mandate_is_written_once BEFORE UPDATE ON bidding.mandate FOR EACH ROW EXECUTE FUNCTION bidding.check_mandate_change();

CREATE TRIGGER result_is_append_only BEFORE DELETE OR UPDATE ON bidding.result FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER vote_is_append_only BEFORE DELETE OR UPDATE ON bidding.vote FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER committed_pool_is_append_only BEFORE DELETE OR UPDATE ON experts.committed_pool FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER dissent_is_append_only BEFORE DELETE OR UPDATE ON experts.dissent FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER drawing_is_append_only BEFORE DELETE OR UPDATE ON experts.drawing FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER panel_moves BEFORE UPDATE OF status ON experts.panel FOR EACH ROW EXECUTE FUNCTION experts.check_panel_move();

CREATE TRIGGER score_is_append_only BEFORE DELETE OR UPDATE ON experts.score FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER scorecard_is_append_only BEFORE DELETE OR UPDATE ON experts.scorecard FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER seed_commit_is_append_only BEFORE DELETE OR UPDATE ON experts.seed_commit FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER seed_reveal_is_append_only BEFORE DELETE OR UPDATE ON experts.seed_reveal FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER challenge_moves BEFORE UPDATE OF state ON foundation.challenge FOR EACH ROW EXECUTE FUNCTION foundation.guard_challenge();

CREATE TRIGGER ledger_checkpoint_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON foundation.ledger_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_cosignature_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON foundation.ledger_cosignature FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_entry_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON foundation.ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_head_only_grows BEFORE UPDATE ON foundation.ledger_head FOR EACH ROW EXECUTE FUNCTION foundation.guard_ledger_head();

CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON foundation.ledger_head FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_node_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON foundation.ledger_node FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_origin_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON foundation.ledger_origin FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_queue_gets_its_index_once BEFORE UPDATE ON foundation.ledger_queue FOR EACH ROW WHEN (((old.index IS NOT NULL) OR (new.index IS NULL) OR ((((new.id IS DISTINCT FROM old.id) OR (new.body IS DISTINCT FROM old.body)) OR (new.salt IS DISTINCT FROM old.salt)) OR (new.first_index IS DISTINCT FROM old.first_index)))) EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_queue_stays BEFORE DELETE OR TRUNCATE ON foundation.ledger_queue FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_token_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON foundation.ledger_token FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER ledger_witnessed_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON foundation.ledger_witnessed FOR EACH STATEMENT EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TRIGGER statement_is_append_only BEFORE DELETE OR UPDATE ON foundation.statement FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON foundation.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION foundation.fn_pgqueuer_changed();

CREATE TRIGGER case_moves BEFORE UPDATE OF status ON supervision.case_file FOR EACH ROW EXECUTE FUNCTION supervision.check_case_move();

CREATE TRIGGER case_note_is_append_only BEFORE DELETE OR UPDATE ON supervision.case_note FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER evidence_is_append_only BEFORE DELETE OR UPDATE ON supervision.evidence FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER examination_is_append_only BEFORE DELETE OR UPDATE ON supervision.examination FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER examined_file_is_append_only BEFORE DELETE OR UPDATE ON supervision.examined_file FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER finding_is_append_only BEFORE DELETE OR UPDATE ON supervision.finding FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TRIGGER property_is_append_only BEFORE DELETE OR UPDATE ON supervision.property FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

ALTER TABLE ONLY bidding.act
    ADD CONSTRAINT act_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.act
    ADD CONSTRAINT act_queue_fkey FOREIGN KEY (queue) REFERENCES foundation.ledger_queue(id);

ALTER TABLE ONLY bidding.address
    ADD CONSTRAINT address_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.award
    ADD CONSTRAINT award_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.award_member
    ADD CONSTRAINT award_member_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.award_member
    ADD CONSTRAINT award_member_member_fkey FOREIGN KEY (member) REFERENCES foundation.actor(id);

ALTER TABLE ONLY bidding.award
    ADD CONSTRAINT award_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY bidding.candidate_notice
    ADD CONSTRAINT candidate_notice_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.document
    ADD CONSTRAINT document_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.door_refusal
    ADD CONSTRAINT door_refusal_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.evaluation
    ADD CONSTRAINT evaluation_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.evaluation
    ADD CONSTRAINT evaluation_report_fkey FOREIGN KEY (report) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY bidding.head
    ADD CONSTRAINT head_act_fkey FOREIGN KEY (act) REFERENCES bidding.act(sid);

ALTER TABLE ONLY bidding.listed
    ADD CONSTRAINT listed_act_fkey FOREIGN KEY (act) REFERENCES bidding.act(sid);

ALTER TABLE ONLY bidding.listed
    ADD CONSTRAINT listed_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.listed
    ADD CONSTRAINT listed_upload_fkey FOREIGN KEY (upload) REFERENCES bidding.upload(id);

ALTER TABLE ONLY bidding.lot
    ADD CONSTRAINT lot_tender_fkey FOREIGN KEY (tender) REFERENCES bidding.tender(id);

ALTER TABLE ONLY bidding.mandate
    ADD CONSTRAINT mandate_queue_fkey FOREIGN KEY (queue) REFERENCES foundation.ledger_queue(id);

ALTER TABLE ONLY bidding.mandate
    ADD CONSTRAINT mandate_revoke_queue_fkey FOREIGN KEY (revoke_queue) REFERENCES foundation.ledger_queue(id);

ALTER TABLE ONLY bidding.opened_bid
    ADD CONSTRAINT opened_bid_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.opened_stage
    ADD CONSTRAINT opened_stage_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.opening(lot);

ALTER TABLE ONLY bidding.opening
    ADD CONSTRAINT opening_cut_fkey FOREIGN KEY (cut) REFERENCES foundation.ledger_queue(id);

ALTER TABLE ONLY bidding.opening
    ADD CONSTRAINT opening_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.possession
    ADD CONSTRAINT possession_member_key_fkey FOREIGN KEY (member_key) REFERENCES bidding.member_key(sid);

ALTER TABLE ONLY bidding.postponement
    ADD CONSTRAINT postponement_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY bidding.result
    ADD CONSTRAINT result_lot_tree_fkey FOREIGN KEY (lot, tree) REFERENCES bidding.listed(lot, tree);

ALTER TABLE ONLY bidding.share_check
    ADD CONSTRAINT share_check_lot_tree_fkey FOREIGN KEY (lot, tree) REFERENCES bidding.listed(lot, tree);

ALTER TABLE ONLY bidding.share
    ADD CONSTRAINT share_lot_tree_fkey FOREIGN KEY (lot, tree) REFERENCES bidding.listed(lot, tree);

ALTER TABLE ONLY bidding.tender
    ADD CONSTRAINT tender_plan_fkey FOREIGN KEY (plan) REFERENCES bidding.plan(id);

ALTER TABLE ONLY bidding.vote
    ADD CONSTRAINT vote_lot_member_fkey FOREIGN KEY (lot, member) REFERENCES bidding.award_member(lot, member);

ALTER TABLE ONLY bidding.vote
    ADD CONSTRAINT vote_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY experts.committed_pool
    ADD CONSTRAINT committed_pool_event_fkey FOREIGN KEY (event) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY experts.dissent
    ADD CONSTRAINT dissent_lot_expert_fkey FOREIGN KEY (lot, expert) REFERENCES experts.seat(lot, expert);

ALTER TABLE ONLY experts.dissent
    ADD CONSTRAINT dissent_lot_fkey FOREIGN KEY (lot) REFERENCES experts.panel(lot);

ALTER TABLE ONLY experts.dissent
    ADD CONSTRAINT dissent_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY experts.draft_mark
    ADD CONSTRAINT draft_mark_lot_code_fkey FOREIGN KEY (lot, code) REFERENCES experts.blind_bid(lot, code);

ALTER TABLE ONLY experts.draft_mark
    ADD CONSTRAINT draft_mark_lot_expert_fkey FOREIGN KEY (lot, expert) REFERENCES experts.seat(lot, expert);

ALTER TABLE ONLY experts.drawing
    ADD CONSTRAINT drawing_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY experts.relation
    ADD CONSTRAINT relation_expert_fkey FOREIGN KEY (expert) REFERENCES experts.expert(id);

ALTER TABLE ONLY experts.score
    ADD CONSTRAINT score_lot_code_fkey FOREIGN KEY (lot, code) REFERENCES experts.blind_bid(lot, code);

ALTER TABLE ONLY experts.score
    ADD CONSTRAINT score_lot_expert_fkey FOREIGN KEY (lot, expert) REFERENCES experts.scorecard(lot, expert);

ALTER TABLE ONLY experts.scorecard
    ADD CONSTRAINT scorecard_lot_expert_fkey FOREIGN KEY (lot, expert) REFERENCES experts.seat(lot, expert);

ALTER TABLE ONLY experts.scorecard
    ADD CONSTRAINT scorecard_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY experts.seat
    ADD CONSTRAINT seat_expert_fkey FOREIGN KEY (expert) REFERENCES experts.expert(id);

ALTER TABLE ONLY experts.seat
    ADD CONSTRAINT seat_lot_fkey FOREIGN KEY (lot) REFERENCES experts.panel(lot);

ALTER TABLE ONLY experts.seat
    ADD CONSTRAINT seat_pledge_fkey FOREIGN KEY (pledge) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY experts.seed_commit
    ADD CONSTRAINT seed_commit_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY experts.seed_reveal
    ADD CONSTRAINT seed_reveal_commitment_sid_fkey FOREIGN KEY (commitment_sid) REFERENCES experts.seed_commit(sid);

ALTER TABLE ONLY experts.seed_reveal
    ADD CONSTRAINT seed_reveal_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.statement(sid);

ALTER TABLE ONLY foundation.actor
    ADD CONSTRAINT actor_registered_by_fkey FOREIGN KEY (registered_by) REFERENCES foundation.actor(id);

ALTER TABLE ONLY foundation.ledger_cosignature
    ADD CONSTRAINT ledger_cosignature_size_fkey FOREIGN KEY (size) REFERENCES foundation.ledger_checkpoint(size);

ALTER TABLE ONLY foundation.ledger_token
    ADD CONSTRAINT ledger_token_size_fkey FOREIGN KEY (size) REFERENCES foundation.ledger_checkpoint(size);

ALTER TABLE ONLY foundation.ledger_witnessed
    ADD CONSTRAINT ledger_witnessed_size_fkey FOREIGN KEY (size) REFERENCES foundation.ledger_checkpoint(size);

ALTER TABLE ONLY foundation.paper_signer
    ADD CONSTRAINT paper_signer_sid_fkey FOREIGN KEY (sid) REFERENCES foundation.paper(sid);

ALTER TABLE ONLY foundation.session
    ADD CONSTRAINT session_actor_fkey FOREIGN KEY (actor) REFERENCES foundation.actor(id);

ALTER TABLE ONLY foundation.statement
    ADD CONSTRAINT statement_queue_fkey FOREIGN KEY (queue) REFERENCES foundation.ledger_queue(id);

ALTER TABLE ONLY supervision.case_file
    ADD CONSTRAINT case_file_confirmed_by_fkey FOREIGN KEY (confirmed_by) REFERENCES foundation.actor(id);

ALTER TABLE ONLY supervision.case_file
    ADD CONSTRAINT case_file_handler_fkey FOREIGN KEY (handler) REFERENCES foundation.actor(id);

ALTER TABLE ONLY supervision.case_file
    ADD CONSTRAINT case_file_lot_fkey FOREIGN KEY (lot) REFERENCES supervision.examination(lot);

ALTER TABLE ONLY supervision.case_file
    ADD CONSTRAINT case_file_opened_by_fkey FOREIGN KEY (opened_by) REFERENCES foundation.actor(id);

ALTER TABLE ONLY supervision.case_file
    ADD CONSTRAINT case_file_proposed_by_fkey FOREIGN KEY (proposed_by) REFERENCES foundation.actor(id);

ALTER TABLE ONLY supervision.case_note
    ADD CONSTRAINT case_note_author_fkey FOREIGN KEY (author) REFERENCES foundation.actor(id);

ALTER TABLE ONLY supervision.case_note
    ADD CONSTRAINT case_note_case_file_fkey FOREIGN KEY (case_file) REFERENCES supervision.case_file(id);

ALTER TABLE ONLY supervision.case_note
    ADD CONSTRAINT case_note_finding_fkey FOREIGN KEY (finding) REFERENCES supervision.finding(id);

ALTER TABLE ONLY supervision.evidence
    ADD CONSTRAINT evidence_finding_fkey FOREIGN KEY (finding) REFERENCES supervision.finding(id);

ALTER TABLE ONLY supervision.examination
    ADD CONSTRAINT examination_lot_fkey FOREIGN KEY (lot) REFERENCES bidding.lot(id);

ALTER TABLE ONLY supervision.examination
    ADD CONSTRAINT examination_tender_fkey FOREIGN KEY (tender) REFERENCES bidding.tender(id);

ALTER TABLE ONLY supervision.examined_file
    ADD CONSTRAINT examined_file_lot_fkey FOREIGN KEY (lot) REFERENCES supervision.examination(lot);

ALTER TABLE ONLY supervision.finding
    ADD CONSTRAINT finding_lot_fkey FOREIGN KEY (lot) REFERENCES supervision.examination(lot);

ALTER TABLE ONLY supervision.property
    ADD CONSTRAINT property_lot_fkey FOREIGN KEY (lot) REFERENCES supervision.examination(lot);

GRANT USAGE ON SCHEMA bidding TO sunbid_bidding;
GRANT USAGE ON SCHEMA bidding TO sunbid_supervision;
GRANT USAGE ON SCHEMA bidding TO sunbid_experts;

GRANT USAGE ON SCHEMA experts TO sunbid_experts;
GRANT USAGE ON SCHEMA experts TO sunbid_supervision;

GRANT USAGE ON SCHEMA foundation TO sunbid_foundation;

GRANT USAGE ON SCHEMA supervision TO sunbid_supervision;

REVOKE ALL ON FUNCTION bidding.check_act_change() FROM PUBLIC;
GRANT ALL ON FUNCTION bidding.check_act_change() TO sunbid_bidding;

REVOKE ALL ON FUNCTION bidding.check_lot_move() FROM PUBLIC;
GRANT ALL ON FUNCTION bidding.check_lot_move() TO sunbid_bidding;

REVOKE ALL ON FUNCTION bidding.check_mandate_change() FROM PUBLIC;
GRANT ALL ON FUNCTION bidding.check_mandate_change() TO sunbid_bidding;

REVOKE ALL ON FUNCTION experts.check_panel_move() FROM PUBLIC;
GRANT ALL ON FUNCTION experts.check_panel_move() TO sunbid_experts;

REVOKE ALL ON FUNCTION foundation.fn_pgqueuer_changed() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.fn_pgqueuer_changed() TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.guard_challenge() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.guard_challenge() TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.guard_ledger_head() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.guard_ledger_head() TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.move_platform_clock(move_to timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.move_platform_clock(move_to timestamp with time zone) TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.platform_now() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.platform_now() TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.real_now() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.real_now() TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.refuse_change() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.refuse_change() TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.refuse_ledger_change() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.refuse_ledger_change() TO sunbid_foundation;

REVOKE ALL ON FUNCTION foundation.start_demo_clock(start_at timestamp with time zone, start_factor double precision) FROM PUBLIC;

REVOKE ALL ON FUNCTION foundation.wake_jobs() FROM PUBLIC;
GRANT ALL ON FUNCTION foundation.wake_jobs() TO sunbid_foundation;

REVOKE ALL ON FUNCTION supervision.check_case_move() FROM PUBLIC;
GRANT ALL ON FUNCTION supervision.check_case_move() TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.act TO sunbid_bidding;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE bidding.address TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.award TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.award_member TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.candidate_notice TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.document TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.door_refusal TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.evaluation TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.head TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.listed TO sunbid_bidding;

GRANT USAGE ON SEQUENCE bidding.lot_lock_key TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.lot TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.lot_transition TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.mandate TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.member_key TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.opened_bid TO sunbid_bidding;

GRANT UPDATE(items) ON TABLE bidding.opened_bid TO sunbid_bidding;

GRANT UPDATE(files) ON TABLE bidding.opened_bid TO sunbid_bidding;

GRANT UPDATE(machine_code) ON TABLE bidding.opened_bid TO sunbid_bidding;

GRANT UPDATE(is_complete) ON TABLE bidding.opened_bid TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.opened_stage TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.opening TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.plan TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.possession TO sunbid_bidding;

GRANT UPDATE(answered_at) ON TABLE bidding.possession TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.postponement TO sunbid_bidding;

GRANT UPDATE(in_force_at) ON TABLE bidding.postponement TO sunbid_bidding;

GRANT UPDATE(told_at) ON TABLE bidding.postponement TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.readiness TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.result TO sunbid_bidding;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE bidding.share TO sunbid_bidding;

GRANT UPDATE(is_cure) ON TABLE bidding.share TO sunbid_bidding;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE bidding.share_check TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.tender TO sunbid_bidding;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE bidding.upload TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.upload_quota TO sunbid_bidding;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.v_closing TO sunbid_bidding;
GRANT SELECT ON TABLE bidding.v_closing TO sunbid_experts;
GRANT SELECT ON TABLE bidding.v_closing TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.v_document TO sunbid_bidding;
GRANT SELECT ON TABLE bidding.v_document TO sunbid_experts;
GRANT SELECT ON TABLE bidding.v_document TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.v_lot TO sunbid_bidding;
GRANT SELECT ON TABLE bidding.v_lot TO sunbid_experts;
GRANT SELECT ON TABLE bidding.v_lot TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.v_opened_bid TO sunbid_bidding;
GRANT SELECT ON TABLE bidding.v_opened_bid TO sunbid_experts;
GRANT SELECT ON TABLE bidding.v_opened_bid TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE bidding.vote TO sunbid_bidding;

GRANT SELECT,INSERT ON TABLE experts.blind_bid TO sunbid_experts;

GRANT SELECT,INSERT ON TABLE experts.committed_pool TO sunbid_experts;

GRANT SELECT,INSERT ON TABLE experts.dissent TO sunbid_experts;

GRANT SELECT,INSERT,UPDATE ON TABLE experts.draft_mark TO sunbid_experts;

GRANT SELECT,INSERT ON TABLE experts.drawing TO sunbid_experts;

GRANT SELECT,INSERT,UPDATE ON TABLE experts.expert TO sunbid_experts;

GRANT SELECT,INSERT,UPDATE ON TABLE experts.panel TO sunbid_experts;

GRANT SELECT ON TABLE experts.panel_transition TO sunbid_experts;

GRANT SELECT,INSERT,UPDATE ON TABLE experts.relation TO sunbid_experts;

GRANT SELECT,INSERT ON TABLE experts.score TO sunbid_experts;

GRANT SELECT,INSERT ON TABLE experts.scorecard TO sunbid_experts;

GRANT SELECT,INSERT,UPDATE ON TABLE experts.seat TO sunbid_experts;

GRANT SELECT,INSERT ON TABLE experts.seed_commit TO sunbid_experts;

GRANT SELECT,INSERT ON TABLE experts.seed_reveal TO sunbid_experts;

GRANT SELECT,INSERT,UPDATE ON TABLE experts.v_panel TO sunbid_experts;
GRANT SELECT ON TABLE experts.v_panel TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE experts.v_score TO sunbid_experts;
GRANT SELECT ON TABLE experts.v_score TO sunbid_supervision;

GRANT SELECT,INSERT ON TABLE foundation.actor TO sunbid_foundation;
GRANT SELECT ON TABLE foundation.actor TO sunbid_bidding;
GRANT SELECT ON TABLE foundation.actor TO sunbid_experts;
GRANT SELECT ON TABLE foundation.actor TO sunbid_supervision;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE foundation.attempt TO sunbid_foundation;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE foundation.challenge TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.challenge_transition TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_checkpoint TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_cosignature TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_entry TO sunbid_foundation;

GRANT SELECT ON TABLE foundation.ledger_gate TO sunbid_foundation;

GRANT UPDATE(is_open) ON TABLE foundation.ledger_gate TO sunbid_foundation;

GRANT UPDATE(reason) ON TABLE foundation.ledger_gate TO sunbid_foundation;

GRANT SELECT,UPDATE ON TABLE foundation.ledger_head TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_node TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_origin TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_queue TO sunbid_foundation;

GRANT UPDATE(index) ON TABLE foundation.ledger_queue TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_token TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.ledger_witnessed TO sunbid_foundation;

GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper TO sunbid_foundation;
GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper TO sunbid_bidding;
GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper TO sunbid_experts;
GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper_signer TO sunbid_foundation;
GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper_signer TO sunbid_bidding;
GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper_signer TO sunbid_experts;
GRANT SELECT,INSERT,UPDATE ON TABLE foundation.paper_signer TO sunbid_supervision;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE foundation.pgqueuer TO sunbid_foundation;

GRANT USAGE ON SEQUENCE foundation.pgqueuer_id_seq TO sunbid_foundation;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE foundation.pgqueuer_log TO sunbid_foundation;

GRANT USAGE ON SEQUENCE foundation.pgqueuer_log_id_seq TO sunbid_foundation;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE foundation.pgqueuer_schedules TO sunbid_foundation;

GRANT USAGE ON SEQUENCE foundation.pgqueuer_schedules_id_seq TO sunbid_foundation;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE foundation.pgqueuer_statistics TO sunbid_foundation;

GRANT USAGE ON SEQUENCE foundation.pgqueuer_statistics_id_seq TO sunbid_foundation;

GRANT SELECT ON TABLE foundation.platform_clock TO sunbid_foundation;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE foundation.session TO sunbid_foundation;

GRANT SELECT,INSERT ON TABLE foundation.statement TO sunbid_foundation;
GRANT SELECT,INSERT ON TABLE foundation.statement TO sunbid_bidding;
GRANT SELECT,INSERT ON TABLE foundation.statement TO sunbid_experts;
GRANT SELECT,INSERT ON TABLE foundation.statement TO sunbid_supervision;

GRANT SELECT,INSERT,UPDATE ON TABLE supervision.case_file TO sunbid_supervision;

GRANT SELECT,INSERT ON TABLE supervision.case_note TO sunbid_supervision;

GRANT SELECT ON TABLE supervision.case_transition TO sunbid_supervision;

GRANT SELECT,INSERT ON TABLE supervision.evidence TO sunbid_supervision;

GRANT SELECT,INSERT ON TABLE supervision.examination TO sunbid_supervision;

GRANT SELECT,INSERT ON TABLE supervision.examined_file TO sunbid_supervision;

GRANT SELECT,INSERT ON TABLE supervision.finding TO sunbid_supervision;

GRANT SELECT,INSERT ON TABLE supervision.property TO sunbid_supervision;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA bidding GRANT USAGE ON SEQUENCES TO sunbid_bidding;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA bidding GRANT ALL ON FUNCTIONS TO sunbid_bidding;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA bidding GRANT SELECT,INSERT,UPDATE ON TABLES TO sunbid_bidding;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA experts GRANT USAGE ON SEQUENCES TO sunbid_experts;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA experts GRANT ALL ON FUNCTIONS TO sunbid_experts;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA experts GRANT SELECT,INSERT,UPDATE ON TABLES TO sunbid_experts;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA foundation GRANT USAGE ON SEQUENCES TO sunbid_foundation;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA foundation GRANT ALL ON FUNCTIONS TO sunbid_foundation;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA foundation GRANT SELECT,INSERT ON TABLES TO sunbid_foundation;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA supervision GRANT USAGE ON SEQUENCES TO sunbid_supervision;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA supervision GRANT ALL ON FUNCTIONS TO sunbid_supervision;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner IN SCHEMA supervision GRANT SELECT,INSERT,UPDATE ON TABLES TO sunbid_supervision;

ALTER DEFAULT PRIVILEGES FOR ROLE sunbid_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

-- PostgreSQL database dump complete
