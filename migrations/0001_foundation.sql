-- The ground of every other migration: one schema a context, rights by default, the platform's
-- clock. The roles named here are made by `sunbid migrate` itself, before this file. Where it may
-- not make roles it leaves out every statement that begins a line with GRANT, REVOKE or ALTER
-- DEFAULT PRIVILEGES and names one of them, and runs these once the roles are there.

CREATE SCHEMA foundation;
CREATE SCHEMA bidding;
CREATE SCHEMA experts;
CREATE SCHEMA supervision;

COMMENT ON SCHEMA foundation IS 'What every context stands on; no procurement here';
COMMENT ON SCHEMA bidding IS 'Plans, tenders, bids, openings, awards';
COMMENT ON SCHEMA experts IS 'The pool of experts, drawings, panels';
COMMENT ON SCHEMA supervision IS 'Screens, red flags, cases';

REVOKE ALL ON SCHEMA foundation, bidding, experts, supervision FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Rights -----------------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA foundation TO sunbid_foundation;
GRANT USAGE ON SCHEMA bidding TO sunbid_bidding;
GRANT USAGE ON SCHEMA experts TO sunbid_experts;
GRANT USAGE ON SCHEMA bidding, experts, supervision TO sunbid_supervision;

-- What is said here holds for every table that a later migration makes. Nothing may be deleted
-- and nothing of the foundation changed, unless the migration that makes the table permits it.
ALTER DEFAULT PRIVILEGES IN SCHEMA foundation
    GRANT SELECT, INSERT ON TABLES TO sunbid_foundation;
ALTER DEFAULT PRIVILEGES IN SCHEMA foundation
    GRANT USAGE ON SEQUENCES TO sunbid_foundation;
ALTER DEFAULT PRIVILEGES IN SCHEMA foundation
    GRANT EXECUTE ON FUNCTIONS TO sunbid_foundation;
ALTER DEFAULT PRIVILEGES IN SCHEMA bidding
    GRANT SELECT, INSERT, UPDATE ON TABLES TO sunbid_bidding;
ALTER DEFAULT PRIVILEGES IN SCHEMA bidding
    GRANT USAGE ON SEQUENCES TO sunbid_bidding;
ALTER DEFAULT PRIVILEGES IN SCHEMA bidding
    GRANT EXECUTE ON FUNCTIONS TO sunbid_bidding;
ALTER DEFAULT PRIVILEGES IN SCHEMA experts
    GRANT SELECT, INSERT, UPDATE ON TABLES TO sunbid_experts;
ALTER DEFAULT PRIVILEGES IN SCHEMA experts
    GRANT USAGE ON SEQUENCES TO sunbid_experts;
ALTER DEFAULT PRIVILEGES IN SCHEMA experts
    GRANT EXECUTE ON FUNCTIONS TO sunbid_experts;
ALTER DEFAULT PRIVILEGES IN SCHEMA supervision
    GRANT SELECT, INSERT, UPDATE ON TABLES TO sunbid_supervision;
ALTER DEFAULT PRIVILEGES IN SCHEMA supervision
    GRANT USAGE ON SEQUENCES TO sunbid_supervision;
ALTER DEFAULT PRIVILEGES IN SCHEMA supervision
    GRANT EXECUTE ON FUNCTIONS TO sunbid_supervision;

-- Time -------------------------------------------------------------------------------------------

CREATE TABLE foundation.platform_clock (
    is_only     boolean PRIMARY KEY DEFAULT true CONSTRAINT platform_clock_is_one CHECK (is_only),
    demo        boolean NOT NULL DEFAULT false,
    real_at     timestamptz NOT NULL,
    platform_at timestamptz NOT NULL,
    factor      double precision NOT NULL DEFAULT 1
                CONSTRAINT platform_clock_goes_forward CHECK (factor BETWEEN 0 AND 1000000),
    CONSTRAINT platform_clock_is_real_outside_a_demonstration
        CHECK (demo OR (factor = 1 AND platform_at = real_at))
);
COMMENT ON TABLE foundation.platform_clock IS
    'One row: at real_at it was platform_at, and since then factor times faster';

INSERT INTO foundation.platform_clock (real_at, platform_at)
SELECT moment, moment
  FROM (SELECT clock_timestamp() AS moment OFFSET 0) AS once;

-- Volatile it must be: declared stable, PostgreSQL may ask it once, before a wait for a lock in
-- the same statement. Intervals are added as seconds: as days they would follow summer time.
CREATE FUNCTION foundation.platform_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT CASE
               WHEN demo
               THEN platform_at
                    + make_interval(secs => extract(epoch FROM clock_timestamp() - real_at)
                                            * factor)
               ELSE clock_timestamp()
           END
      FROM foundation.platform_clock
$$;
COMMENT ON FUNCTION foundation.platform_now IS
    'The only clock of deadlines, stored times and ledger leaves; ask it after the lock is held';

CREATE FUNCTION foundation.real_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp()
$$;
COMMENT ON FUNCTION foundation.real_now IS 'Real time, for what is shown beside platform time';

CREATE FUNCTION foundation.start_demo_clock(start_at timestamptz, start_factor double precision)
RETURNS void LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION foundation.start_demo_clock IS
    'Makes this database a demonstration''s for ever; for its owner only';

-- Jobs wait in real time for a platform time; after a move of the clock they wait less. Their
-- table is made by pgqueuer's own installer, after this file.
CREATE FUNCTION foundation.wake_jobs() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
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
COMMENT ON FUNCTION foundation.wake_jobs IS 'Lets jobs wait as long as the clock now says';

CREATE FUNCTION foundation.move_platform_clock(move_to timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
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
COMMENT ON FUNCTION foundation.move_platform_clock IS
    'Moves a demonstration''s clock forward; the caller writes the ledger entry';

REVOKE INSERT ON foundation.platform_clock FROM sunbid_foundation;
REVOKE EXECUTE ON FUNCTION foundation.start_demo_clock FROM sunbid_foundation;
