-- What residents are told by e-mail of what was done to their accounts.

-- +goose Up

-- outbox: broker/notify makes a letter of each notice for each address that its
-- account is reached at, and hands letters to the mail server. The messages to apps
-- are many, and others'.
CREATE INDEX outbox_mail ON outbox (due_at) WHERE delivered_at IS NULL AND kind IN ('notice', 'letter');
