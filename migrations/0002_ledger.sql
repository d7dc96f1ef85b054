-- The ledger: a queue of bodies, the entries that one sequencer numbers, the nodes of their hash
-- tree, signed checkpoints. Entries, nodes and checkpoints are written once: rights and triggers
-- both say so, and whoever gets past both changes a root that others have already seen.

CREATE FUNCTION foundation.refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_is_append_only';
END
$$;
COMMENT ON FUNCTION foundation.refuse_ledger_change IS 'Refuses every change of what is written once';

CREATE TABLE foundation.ledger_origin (
    is_only boolean PRIMARY KEY DEFAULT true CONSTRAINT ledger_origin_is_one CHECK (is_only),
    origin  text    NOT NULL CHECK (length(origin) BETWEEN 1 AND 120),
    vkey    text    NOT NULL CHECK (length(vkey) BETWEEN 1 AND 200)
);
COMMENT ON TABLE foundation.ledger_origin IS
    'The name of this log and its key, as the signer gave them first; a new key is a new origin';

CREATE TABLE foundation.ledger_gate (
    is_only boolean PRIMARY KEY DEFAULT true CONSTRAINT ledger_gate_is_one CHECK (is_only),
    is_open boolean NOT NULL,
    reason  text
);
COMMENT ON TABLE foundation.ledger_gate IS
    'Closed when these records are older than what the signer has signed: then nothing is queued';
INSERT INTO foundation.ledger_gate (is_open) VALUES (true);

CREATE TABLE foundation.ledger_queue (
    id          uuid    PRIMARY KEY DEFAULT gen_random_uuid(),
    body        text    NOT NULL CHECK (length(body) BETWEEN 2 AND 4096),
    salt        bytea   NOT NULL CHECK (length(salt) = 32),
    first_index boolean NOT NULL DEFAULT false,
    index       bigint  CONSTRAINT ledger_queue_index_is_unique UNIQUE CHECK (index >= 0)
);
COMMENT ON TABLE foundation.ledger_queue IS
    'What was accepted, in the transaction that accepted it; the sequencer takes all that wait';
COMMENT ON COLUMN foundation.ledger_queue.body IS 'Canonical JSON';
COMMENT ON COLUMN foundation.ledger_queue.first_index IS
    'The sequencer writes the index of the batch''s first leaf into the body';
COMMENT ON COLUMN foundation.ledger_queue.index IS 'Where the leaf stands; null while it waits';
CREATE INDEX ledger_queue_waiting ON foundation.ledger_queue (id) WHERE index IS NULL;

-- The condition stands in the trigger itself: a lawful row of a large batch calls no function.
CREATE TRIGGER ledger_queue_gets_its_index_once BEFORE UPDATE ON foundation.ledger_queue
    FOR EACH ROW
    WHEN (OLD.index IS NOT NULL OR NEW.index IS NULL
          OR (NEW.id, NEW.body, NEW.salt, NEW.first_index)
             IS DISTINCT FROM (OLD.id, OLD.body, OLD.salt, OLD.first_index))
    EXECUTE FUNCTION foundation.refuse_ledger_change();

CREATE TABLE foundation.ledger_head (
    is_only boolean PRIMARY KEY DEFAULT true CONSTRAINT ledger_head_is_one CHECK (is_only),
    size    bigint  NOT NULL CHECK (size >= 0),
    root    bytea   NOT NULL CHECK (length(root) = 32),
    time_ms bigint  NOT NULL CHECK (time_ms >= 0),
    batch   bigint  NOT NULL CHECK (batch >= 0)
);
COMMENT ON TABLE foundation.ledger_head IS
    'The newest committed state; whoever appends holds this row, so there is one sequencer';
INSERT INTO foundation.ledger_head (size, root, time_ms, batch) VALUES (0, sha256(''), 0, 0);

CREATE FUNCTION foundation.guard_ledger_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size <= OLD.size OR NEW.time_ms <= OLD.time_ms OR NEW.batch <> OLD.batch + 1 THEN
        RAISE EXCEPTION 'the ledger only grows'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_only_grows';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION foundation.guard_ledger_head IS 'Lets size, time and batch only grow';
CREATE TRIGGER ledger_head_only_grows BEFORE UPDATE ON foundation.ledger_head
    FOR EACH ROW EXECUTE FUNCTION foundation.guard_ledger_head();

CREATE TABLE foundation.ledger_entry (
    index     bigint PRIMARY KEY CHECK (index >= 0),
    leaf      bytea  NOT NULL CHECK (length(leaf) = 41),
    leaf_hash bytea  NOT NULL,
    salt      bytea  NOT NULL CHECK (length(salt) = 32),
    body      text   NOT NULL,
    batch     bigint NOT NULL CHECK (batch > 0),
    CONSTRAINT ledger_entry_hash_fits_leaf CHECK (leaf_hash = sha256('\x00'::bytea || leaf)),
    CONSTRAINT ledger_entry_leaf_fits_body CHECK (
        substring(leaf FROM 10)
        = sha256('sunbid/commit/v1\000'::bytea || salt || convert_to(body, 'UTF8')))
);
COMMENT ON TABLE foundation.ledger_entry IS
    'Numbered entries: leaf and leaf hash are public, salt and body until the opening are not';
COMMENT ON COLUMN foundation.ledger_entry.leaf IS
    '0x01, time in Unix ms, SHA-256 of label, salt and body';
COMMENT ON COLUMN foundation.ledger_entry.batch IS 'The tick that brought it, from 1';
CREATE INDEX ledger_entry_batch ON foundation.ledger_entry (batch);
CREATE INDEX ledger_entry_body ON foundation.ledger_entry
    USING gin ((body::jsonb) jsonb_path_ops) WHERE body <> '{"t":"cover","v":1}';

CREATE TABLE foundation.ledger_node (
    level int    NOT NULL CHECK (level BETWEEN 0 AND 62),
    index bigint NOT NULL CHECK (index >= 0),
    hash  bytea  NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, index)
);
COMMENT ON TABLE foundation.ledger_node IS
    'Complete nodes of the hash tree (RFC 6962); level 0 are the leaf hashes';

CREATE TABLE foundation.ledger_checkpoint (
    size      bigint      PRIMARY KEY CHECK (size > 0),
    note      text        NOT NULL CHECK (length(note) BETWEEN 1 AND 4096),
    signed_at timestamptz NOT NULL
);
COMMENT ON TABLE foundation.ledger_checkpoint IS
    'What the signer signed, as a C2SP note without cosignatures; signed only after the commit';

CREATE TABLE foundation.ledger_cosignature (
    size    bigint NOT NULL REFERENCES foundation.ledger_checkpoint (size),
    witness text   NOT NULL CHECK (length(witness) BETWEEN 1 AND 120),
    line    text   NOT NULL CHECK (length(line) BETWEEN 1 AND 400),
    PRIMARY KEY (size, witness)
);
COMMENT ON TABLE foundation.ledger_cosignature IS
    'Signature lines of witnesses below a checkpoint (cosignature/v1)';

CREATE TABLE foundation.ledger_token (
    size  bigint PRIMARY KEY REFERENCES foundation.ledger_checkpoint (size),
    token bytea  NOT NULL CHECK (length(token) BETWEEN 1 AND 65536)
);
COMMENT ON TABLE foundation.ledger_token IS
    'RFC 3161 tokens over the text of a checkpoint without its signature lines';

CREATE TRIGGER ledger_origin_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON foundation.ledger_origin EXECUTE FUNCTION foundation.refuse_ledger_change();
CREATE TRIGGER ledger_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON foundation.ledger_entry EXECUTE FUNCTION foundation.refuse_ledger_change();
CREATE TRIGGER ledger_node_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON foundation.ledger_node EXECUTE FUNCTION foundation.refuse_ledger_change();
CREATE TRIGGER ledger_checkpoint_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON foundation.ledger_checkpoint EXECUTE FUNCTION foundation.refuse_ledger_change();
CREATE TRIGGER ledger_cosignature_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON foundation.ledger_cosignature EXECUTE FUNCTION foundation.refuse_ledger_change();
CREATE TRIGGER ledger_token_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON foundation.ledger_token EXECUTE FUNCTION foundation.refuse_ledger_change();
CREATE TRIGGER ledger_queue_stays BEFORE DELETE OR TRUNCATE
    ON foundation.ledger_queue EXECUTE FUNCTION foundation.refuse_ledger_change();
CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE
    ON foundation.ledger_head EXECUTE FUNCTION foundation.refuse_ledger_change();

-- Reading and inserting come by default; what may be changed is named here and nowhere else.
GRANT UPDATE (index) ON foundation.ledger_queue TO sunbid_foundation;
GRANT UPDATE ON foundation.ledger_head TO sunbid_foundation;
GRANT UPDATE (is_open, reason) ON foundation.ledger_gate TO sunbid_foundation;
REVOKE INSERT ON foundation.ledger_head, foundation.ledger_gate FROM sunbid_foundation;
