-- Which side something came from that was added to an account, lest a merge that is
-- undone leaves it with somebody else.

-- +goose Up

-- links: the way in by which the person had come who added this one, that by which
-- that one was added, and so on: ids, with spaces between. '' for the one that an
-- account begins with, and where nobody knows.
ALTER TABLE links ADD COLUMN added_by TEXT NOT NULL DEFAULT '';

-- consents, delegations: the way in by which the person had come who agreed, invited
-- somebody or accepted: its id, or '' where nobody knows.
ALTER TABLE consents ADD COLUMN agreed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE delegations ADD COLUMN invited_by TEXT NOT NULL DEFAULT '';
ALTER TABLE delegations ADD COLUMN accepted_by TEXT NOT NULL DEFAULT '';
