-- The council's own way in.

-- +goose Up

-- council_users: people who sign in by an e-mail address that they have shown
-- to read, written by broker/council. The address is kept as it is, for mail is
-- sent to it. What it is compared by is address_key: two spellings of one
-- address are one person.
CREATE TABLE council_users (
    id          TEXT PRIMARY KEY, -- the subject of the connector's assertions and the user handle of passkeys
    address     TEXT NOT NULL,
    address_key TEXT NOT NULL UNIQUE,
    password    TEXT,             -- Argon2id with its parameters; not set: there is none
    changes     BIGINT NOT NULL,  -- how often it was changed how the user signs in
    created_at  BIGINT NOT NULL
);

-- council_passkeys: their WebAuthn credentials, written by broker/council.
CREATE TABLE council_passkeys (
    id           TEXT PRIMARY KEY,  -- the credential's id, in base64url
    user_id      TEXT NOT NULL REFERENCES council_users (id),
    name         TEXT NOT NULL,     -- what the resident knows it by
    credential   TEXT NOT NULL,     -- JSON: the public key, what it said of itself, its attestation
    bound        BOOLEAN NOT NULL,  -- an authority of the council's vouches that the key cannot leave its device
    sign_count   BIGINT NOT NULL,   -- the last signature counter; see WebAuthn Level 3 §7.2, step 22
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT             -- not set: never
);
CREATE INDEX council_passkeys_of_user ON council_passkeys (user_id);
