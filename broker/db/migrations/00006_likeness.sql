-- People who may have an account already, and two accounts that become one.

-- +goose Up

-- likeness: what is known of the people behind accounts by which somebody who comes
-- by a new way in resembles one of them, written by broker/accounts. A key is a hash
-- of facts that the source vouches for; it is not set where the source said
-- something and does not vouch for it any more. link_id is as in claims.
CREATE TABLE likeness (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    link_id    TEXT NOT NULL,
    kind       TEXT NOT NULL, -- email; person: name, date of birth and postcode
    key        TEXT,
    said_at    BIGINT NOT NULL,
    PRIMARY KEY (account_id, link_id, kind)
);
CREATE INDEX likeness_by_key ON likeness (key);

-- merges: when it was proposed, its place among all merges, and who wants it undone,
-- and why. Officers do that by two, as they merge.
ALTER TABLE merges ADD COLUMN proposed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE merges ADD COLUMN place BIGINT NOT NULL DEFAULT 0;
ALTER TABLE merges ADD COLUMN undo_proposed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE merges ADD COLUMN undo_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE merges ADD COLUMN undone_by TEXT NOT NULL DEFAULT '';

-- outbox: an e-mail address that a notice goes to besides those of the account: of a
-- way in that was removed, so that whoever owned it hears of it.
ALTER TABLE outbox ADD COLUMN address TEXT NOT NULL DEFAULT '';
