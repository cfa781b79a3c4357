-- Ways in that freeze for a reason and that die, and what apps wait for.

-- +goose Up

-- links: evidence that a frozen or dead link brought does not count.
ALTER TABLE links ADD COLUMN frozen_why TEXT NOT NULL DEFAULT ''; -- the provider's own word for what happened
ALTER TABLE links ADD COLUMN unlinked_at BIGINT;                  -- set: dead until the person signs in by it again

-- evidence of kind sign-in: levels is a vector of identity or of residency alone
-- (P2.C0.F0.R0), and there is one row for each that a link proved by a connector.
-- valid_until only ever moves on.
ALTER TABLE evidence ADD COLUMN connector TEXT; -- that brought it, if one did: it counts for no more than that is believed now

-- wishes: what an app asked of a person who is about to prove it, which may
-- take days, written by broker/accounts. One of an app and an account, until
-- it is granted.
CREATE TABLE wishes (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    app         TEXT NOT NULL,
    connector   TEXT NOT NULL, -- where the person went
    level       TEXT NOT NULL, -- the vector that the app asked for
    asked_at    BIGINT NOT NULL,
    valid_until BIGINT,        -- nobody waits for it longer
    UNIQUE (account_id, app)
);
