-- The council's durable records, in the SQL that PostgreSQL and SQLite share.
-- Times are microseconds since 1970, structured values are JSON text, and
-- bytes are BYTEA, which SQLite keeps as they are. Identifiers are random text
-- made by the package that writes the row.

-- +goose Up

-- accounts: one row a council identity, written by broker/accounts. A row is
-- never deleted, so that old identifiers can always be explained: a merged
-- account points to the one that lives on, an erased one has lost everything
-- but its id.
CREATE TABLE accounts (
    id          TEXT PRIMARY KEY,
    subject_key BYTEA NOT NULL, -- derives the pairwise subjects that apps see
    status      TEXT NOT NULL CHECK (status IN ('active', 'frozen', 'merged', 'erased')),
    created_at  BIGINT NOT NULL,
    merged_into TEXT REFERENCES accounts (id)
);

-- links: the ways in to an account, one row an upstream subject, written by
-- broker/accounts. An upstream subject leads to one account.
CREATE TABLE links (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    connector    TEXT NOT NULL,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    label        TEXT NOT NULL DEFAULT '', -- what the resident knows it by
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    frozen_at    BIGINT,                   -- set: it no longer leads in
    inherit      TEXT,                     -- the assurance that it had when it was linked
    UNIQUE (issuer, subject)
);
CREATE INDEX links_of_account ON links (account_id);

-- claims: what each link's provider last said about the person, written by
-- broker/accounts. The link is the claim's provenance.
CREATE TABLE claims (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    link_id    TEXT NOT NULL REFERENCES links (id),
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,    -- JSON
    verified   BOOLEAN NOT NULL, -- the provider vouches for it
    said_at    BIGINT NOT NULL,
    PRIMARY KEY (link_id, name)
);
CREATE INDEX claims_of_account ON claims (account_id);

-- subjects: identifiers that apps of a sector know an account by although
-- they are not derived from its subject_key: after a merge or an import.
-- Written by broker/accounts. Old ones stay, so that no other account ever
-- gets them; one of a sector is current.
CREATE TABLE subjects (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    sector     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    current    BOOLEAN NOT NULL,
    PRIMARY KEY (account_id, sector, subject),
    UNIQUE (sector, subject)
);
CREATE UNIQUE INDEX subjects_current ON subjects (account_id, sector) WHERE current;

-- evidence: what was checked about the person behind an account and when,
-- written by broker/accounts and later by broker/verify.
CREATE TABLE evidence (
    id             TEXT PRIMARY KEY,
    account_id     TEXT NOT NULL REFERENCES accounts (id),
    link_id        TEXT,          -- the link that brought it, if one did
    kind           TEXT NOT NULL,
    levels         TEXT NOT NULL, -- JSON: the assurance that it gives
    policy_version TEXT NOT NULL,
    checked_at     BIGINT NOT NULL,
    valid_until    BIGINT,
    detail         TEXT NOT NULL DEFAULT '{}' -- JSON
);
CREATE INDEX evidence_of_account ON evidence (account_id);

-- merges: two accounts that turned out to be one person, written by
-- broker/accounts. undo names every row that moved and where it was.
CREATE TABLE merges (
    id          TEXT PRIMARY KEY,
    kept        TEXT NOT NULL REFERENCES accounts (id),
    absorbed    TEXT NOT NULL REFERENCES accounts (id),
    proposed_by TEXT NOT NULL,
    approved_by TEXT,   -- another person than who proposed it
    reason      TEXT NOT NULL,
    merged_at   BIGINT, -- not set: proposed only
    undone_at   BIGINT,
    undo        TEXT    -- JSON
);
CREATE INDEX merges_of_kept ON merges (kept);
CREATE INDEX merges_of_absorbed ON merges (absorbed);

-- services: the apps that an account has signed in to and the names of the
-- claims that each last got, folded from the visits stream by
-- broker/accounts. The visit may be older than the account's end: no
-- reference.
CREATE TABLE services (
    account_id    TEXT NOT NULL,
    app           TEXT NOT NULL,
    first_used_at BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL,
    released      TEXT NOT NULL, -- JSON: names of claims
    PRIMARY KEY (account_id, app)
);

-- sign_ins: the history of an account's sign-ins, folded from the visits
-- stream by broker/accounts. The id is the stream entry's, so that an entry
-- handed in twice counts once.
CREATE TABLE sign_ins (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    link_id    TEXT NOT NULL,
    app        TEXT NOT NULL,
    at         BIGINT NOT NULL,
    sso        BOOLEAN NOT NULL -- answered from the session, without the provider
);
CREATE INDEX sign_ins_of_account ON sign_ins (account_id, at);

-- audit: every change to identities and configuration, written by
-- broker/accounts in the transaction of the change. Each row's hash covers
-- the row and the hash before it.
CREATE TABLE audit (
    seq      BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    account  TEXT NOT NULL, -- '' where no account is meant
    actor    TEXT NOT NULL,
    detail   TEXT NOT NULL, -- JSON, without personal data
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
);
CREATE INDEX audit_of_account ON audit (account, seq);

-- audit_head: the end of the chain, one row. A writer begins with UPDATE …
-- RETURNING on it, which makes writers wait for each other in both databases.
CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '');

-- signing_keys: the broker's private keys, sealed with the master key,
-- written by broker/keys. Nodes that renew at once meet at UNIQUE.
CREATE TABLE signing_keys (
    kid         TEXT PRIMARY KEY,
    line        TEXT NOT NULL, -- RS256, ES256 or SAML
    generation  BIGINT NOT NULL,
    sealed      BYTEA NOT NULL,
    certificate BYTEA,         -- DER; SAML only
    created_at  BIGINT NOT NULL,
    signs_from  BIGINT NOT NULL,
    UNIQUE (line, generation)
);

-- refresh_grants: what a resident let an app do while away, written by
-- broker/op. All refresh tokens that descend from one code share a grant and
-- end with it.
CREATE TABLE refresh_grants (
    id         TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    link_id    TEXT NOT NULL, -- the way in that was used; while it is frozen nothing is refreshed
    app        TEXT NOT NULL,
    subject    TEXT NOT NULL,
    session    TEXT NOT NULL,
    scopes     TEXT NOT NULL, -- JSON
    claims     TEXT NOT NULL, -- JSON
    auth_time  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX refresh_grants_of_account ON refresh_grants (account_id);
CREATE INDEX refresh_grants_expired ON refresh_grants (expires_at);

-- refresh_tokens: the tokens of a grant by their hashes, written by
-- broker/op. One that was replaced and comes again gives a thief away
-- (RFC 9700 §4.14.2), so it is kept until it would have expired.
CREATE TABLE refresh_tokens (
    hash        TEXT PRIMARY KEY,
    grant_id    TEXT NOT NULL REFERENCES refresh_grants (id),
    parent      TEXT NOT NULL, -- hash of the token that it replaced; '' for the first
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    replaced_at BIGINT
);
CREATE INDEX refresh_tokens_of_grant ON refresh_tokens (grant_id);

-- outbox: messages to apps and providers that must not be lost, written in
-- the transaction of what they tell and delivered by broker/notify.
CREATE TABLE outbox (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    app          TEXT NOT NULL,
    payload      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    tries        BIGINT NOT NULL DEFAULT 0,
    delivered_at BIGINT
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE delivered_at IS NULL;
