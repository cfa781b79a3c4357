-- What tells two people apart who have one account, or may be given one.

-- +goose Up

-- links: the way in by which the person had come who added this one, that by which
-- that one was added, and so on: ids, with spaces between. '' for the one that an
-- account begins with, and where nobody knows.
ALTER TABLE links ADD COLUMN added_by TEXT NOT NULL DEFAULT '';

-- consents, delegations: the way in by which the person had come who agreed, invited
-- somebody or accepted, and so on, as for links.
ALTER TABLE consents ADD COLUMN agreed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE delegations ADD COLUMN invited_by TEXT NOT NULL DEFAULT '';
ALTER TABLE delegations ADD COLUMN accepted_by TEXT NOT NULL DEFAULT '';

-- likeness: of kind birthdate the key is the date itself, the last one that the source
-- vouched for. It is no likeness, but tells people apart who resemble each other.
INSERT INTO likeness (account_id, link_id, kind, key, said_at)
    SELECT account_id, link_id, 'birthdate', REPLACE(value, '"', ''), said_at FROM claims
    WHERE name = 'birthdate' AND verified AND link_id <> '' AND value LIKE '"_%"';

-- merges: a proposal is over when it was withdrawn, or has waited for too long.
ALTER TABLE merges ADD COLUMN withdrawn_at BIGINT;
ALTER TABLE merges ADD COLUMN withdrawn_by TEXT NOT NULL DEFAULT '';
ALTER TABLE merges ADD COLUMN undo_proposed_at BIGINT;
