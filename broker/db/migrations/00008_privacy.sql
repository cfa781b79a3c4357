-- Accounts that end, and what is written down of who looks at them.

-- +goose Up

-- accounts: leaves_at is set where an account is to be erased, because of
-- leaves_why; and when it was, of one that is. What is left of that is the id and
-- the hashes of its pinned subjects.
ALTER TABLE accounts ADD COLUMN leaves_at BIGINT;
ALTER TABLE accounts ADD COLUMN leaves_why TEXT NOT NULL DEFAULT ''; -- deleted or inactive
ALTER TABLE accounts ADD COLUMN reminded_at BIGINT;                  -- when the person was last told that nobody signs in
CREATE INDEX accounts_leaving ON accounts (leaves_at) WHERE leaves_at IS NOT NULL;

-- lookups: which of the council's officers looked at an account, or changed it, and
-- why, written by broker/accounts. The resident sees them.
CREATE TABLE lookups (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    officer    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    what       TEXT NOT NULL, -- what they did: account.show …
    at         BIGINT NOT NULL
);
CREATE INDEX lookups_of_account ON lookups (account_id, at);
CREATE INDEX lookups_by_age ON lookups (at);
CREATE INDEX sign_ins_by_age ON sign_ins (at);
CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;

-- chores: what one of the nodes does every so often, and when it is due, written by
-- broker/accounts. Whoever moves due_at on does it.
CREATE TABLE chores (
    name   TEXT PRIMARY KEY,
    due_at BIGINT NOT NULL
);
INSERT INTO chores (name, due_at) VALUES ('retention', 0);
