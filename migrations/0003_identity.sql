-- Who acts here: actors, their sessions, and the challenges that open a session or ask for a
-- signature. Times to live in this file are real time: a moved platform clock logs nobody out.

CREATE TABLE foundation.actor (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    role          text        NOT NULL CHECK (role ~ '^[a-z][a-z-]{0,31}$'),
    subject       text        CHECK (length(subject) BETWEEN 1 AND 64),
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    kid           text        CHECK (length(kid) = 16),
    alg           text        CHECK (alg IN ('ES256', 'EdDSA', 'SM2SM3')),
    pk            bytea       CHECK (length(pk) IN (32, 65)),
    registered_by uuid        REFERENCES foundation.actor (id),
    registered_at timestamptz NOT NULL,
    CONSTRAINT actor_can_log_in CHECK (subject IS NOT NULL OR kid IS NOT NULL),
    CONSTRAINT actor_key_is_whole
        CHECK ((kid IS NULL) = (alg IS NULL) AND (kid IS NULL) = (pk IS NULL))
);
COMMENT ON TABLE foundation.actor IS
    'An organisation that logs in by its licence (no key) or a person who logs in by a key';
COMMENT ON COLUMN foundation.actor.subject IS
    'Identifier of the organisation; of a person, the organisation that the person belongs to';
COMMENT ON COLUMN foundation.actor.registered_by IS
    'The administrator; null for one that came by its own first login';
CREATE UNIQUE INDEX actor_of_subject ON foundation.actor (subject) WHERE kid IS NULL;
CREATE UNIQUE INDEX actor_of_key ON foundation.actor (kid) WHERE kid IS NOT NULL;

CREATE TABLE foundation.session (
    token_hash     bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    actor          uuid        NOT NULL REFERENCES foundation.actor (id),
    login          bytea       NOT NULL,
    licence_status text        CHECK (licence_status IN ('good', 'unknown')),
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at     timestamptz NOT NULL DEFAULT clock_timestamp() + interval '8 hours'
);
COMMENT ON TABLE foundation.session IS
    'Who is logged in; ends 30 minutes after the last request and 8 hours after the login';
COMMENT ON COLUMN foundation.session.token_hash IS
    'SHA-256 of the opaque token, so that a copy of this table opens no session';
COMMENT ON COLUMN foundation.session.login IS
    'The signed login statement, which the signer asks for; gone with the session';
CREATE INDEX session_ends ON foundation.session (expires_at);

CREATE TABLE foundation.challenge (
    id           uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    purpose      text        NOT NULL CHECK (purpose IN ('login', 'sign')),
    type         text        NOT NULL CHECK (length(type) BETWEEN 1 AND 32),
    body         text        NOT NULL,
    binding      bytea       NOT NULL CHECK (length(binding) = 32),
    match        text        NOT NULL CHECK (match ~ '^[0-9]{2}$'),
    actor        uuid        REFERENCES foundation.actor (id),
    return_to    text,
    state        text        NOT NULL DEFAULT 'new',
    wrong_digits int         NOT NULL DEFAULT 0
                 CONSTRAINT challenge_ends_after_three CHECK (wrong_digits BETWEEN 0 AND 3),
    signed       bytea,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT challenge_state_is_known
        CHECK (state IN ('new', 'scanned', 'consumed', 'expired', 'refused')),
    CONSTRAINT challenge_names_who_signs CHECK ((purpose = 'sign') = (actor IS NOT NULL))
);
COMMENT ON TABLE foundation.challenge IS
    'What a browser shows as a code and a phone signs; one browser, one use, minutes to live';
COMMENT ON COLUMN foundation.challenge.body IS 'Canonical JSON of the statement to be signed';
COMMENT ON COLUMN foundation.challenge.binding IS 'SHA-256 of the cookie of the browser that asked';
COMMENT ON COLUMN foundation.challenge.signed IS 'The statement file that the phone sent';
CREATE INDEX challenge_ends ON foundation.challenge (expires_at);

CREATE TABLE foundation.challenge_transition (
    before text NOT NULL,
    after  text NOT NULL,
    PRIMARY KEY (before, after)
);
COMMENT ON TABLE foundation.challenge_transition IS 'The moves of a challenge; no others are made';
INSERT INTO foundation.challenge_transition (before, after) VALUES
    ('new', 'scanned'),
    ('scanned', 'consumed'),
    ('new', 'expired'),
    ('scanned', 'expired'),
    ('new', 'refused'),
    ('scanned', 'refused');

CREATE FUNCTION foundation.guard_challenge() RETURNS trigger LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION foundation.guard_challenge IS 'Refuses every move that is not in the table';
CREATE TRIGGER challenge_moves BEFORE UPDATE OF state ON foundation.challenge
    FOR EACH ROW EXECUTE FUNCTION foundation.guard_challenge();

CREATE UNLOGGED TABLE foundation.attempt (
    key       text        PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 100),
    window_at timestamptz NOT NULL,
    count     int         NOT NULL
);
COMMENT ON TABLE foundation.attempt IS
    'How often somebody tried within the present minute; may be lost in a crash';

GRANT UPDATE, DELETE ON foundation.session, foundation.challenge, foundation.attempt
    TO sunbid_foundation;
