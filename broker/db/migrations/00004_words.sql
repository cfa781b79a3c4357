-- What residents say of themselves stands beside what their providers say.

-- +goose Up

-- claims: what each source last said about the person, written by
-- broker/accounts. link_id is the claim's provenance: the way in by which it was
-- said, or '' for the resident.
ALTER TABLE claims RENAME TO old_claims;
DROP INDEX claims_of_account;
CREATE TABLE claims (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    link_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,    -- JSON
    verified   BOOLEAN NOT NULL, -- the source vouches for it
    said_at    BIGINT NOT NULL,
    CONSTRAINT claims_by_account PRIMARY KEY (account_id, link_id, name)
);
INSERT INTO claims (account_id, link_id, name, value, verified, said_at)
    SELECT account_id, link_id, name, value, verified, said_at FROM old_claims;
DROP TABLE old_claims;
