-- A challenge says who is about to bid for what; at rest it says so to nobody who lacks its id.

DELETE FROM foundation.challenge;
ALTER TABLE foundation.challenge
    DROP CONSTRAINT challenge_names_who_signs,
    DROP COLUMN type,
    DROP COLUMN body,
    DROP COLUMN actor,
    DROP COLUMN return_to,
    ALTER COLUMN id DROP DEFAULT,
    ADD COLUMN content bytea NOT NULL;
COMMENT ON COLUMN foundation.challenge.id IS
    'A digest of the id in the code: whoever reads this table cannot tell the id';
COMMENT ON COLUMN foundation.challenge.content IS
    'Statement, signer and way back, encrypted with a key that follows from the id in the code';
COMMENT ON COLUMN foundation.challenge.signed IS
    'The statement file that the phone sent, encrypted likewise';
