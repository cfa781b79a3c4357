-- E-mail addresses that mail does not reach.

-- +goose Up

-- links: set, since when, where the provider tells that mail does not reach the
-- e-mail address which it gave. Nobody writes to that one then.
ALTER TABLE links ADD COLUMN undeliverable_at BIGINT;
