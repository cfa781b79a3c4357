-- What residents agree to share, and who acts for whom.

-- +goose Up

-- consents: what a resident agreed that an app may be told, written by
-- broker/accounts. A row says all that was agreed to at that time and does not
-- change, but for its end: what is agreed to later is another row. One that is not
-- withdrawn and names every claim that an app is to get will do.
CREATE TABLE consents (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    app          TEXT NOT NULL,
    claims       TEXT NOT NULL, -- JSON: names
    agreed_at    BIGINT NOT NULL,
    withdrawn_at BIGINT         -- not set: it holds
);
CREATE INDEX consents_of_account ON consents (account_id, app);

-- services: set, since when, where the resident has stopped sharing with the app.
-- A sign-in after that is sharing again.
ALTER TABLE services ADD COLUMN stopped_at BIGINT;

-- delegations: who may act for whom, with which apps and until when, written by
-- broker/accounts. Whoever was to act and did not take the invitation up is not
-- known. It is over at its end or at ended_at, whichever comes first; rows stay, so
-- that both sides can see what was.
CREATE TABLE delegations (
    id              TEXT PRIMARY KEY,
    account_id      TEXT NOT NULL REFERENCES accounts (id), -- the principal: for whom somebody acts
    delegate_id     TEXT REFERENCES accounts (id),          -- who acts; not set: nobody has accepted
    apps            TEXT NOT NULL,                          -- JSON: ids
    label           TEXT NOT NULL,                          -- what the principal calls the delegate
    code_hash       TEXT UNIQUE,                            -- of the invitation; not set: it was used
    code_expires_at BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    valid_until     BIGINT NOT NULL,
    accepted_at     BIGINT,
    ended_at        BIGINT,
    ended_by        TEXT NOT NULL DEFAULT ''                -- principal or delegate
);
CREATE INDEX delegations_of_account ON delegations (account_id);
CREATE INDEX delegations_of_delegate ON delegations (delegate_id);

-- sign_ins: of a sign-in in which somebody acted for somebody else there is a row
-- for each of the two. The principal's has no link.
ALTER TABLE sign_ins ADD COLUMN delegation_id TEXT NOT NULL DEFAULT '';

-- refresh_grants: what a grant rests on besides the way in. Where somebody acts for
-- the account, link_id is theirs, and act their subject at the app.
ALTER TABLE refresh_grants ADD COLUMN consent_id TEXT NOT NULL DEFAULT '';
ALTER TABLE refresh_grants ADD COLUMN delegation_id TEXT NOT NULL DEFAULT '';
ALTER TABLE refresh_grants ADD COLUMN act TEXT NOT NULL DEFAULT '';
CREATE INDEX refresh_grants_of_delegation ON refresh_grants (delegation_id) WHERE delegation_id <> '';
