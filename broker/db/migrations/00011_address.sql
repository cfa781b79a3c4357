-- Which e-mail address it is that mail does not reach.

-- +goose Up

-- links: with undeliverable_at, the hash of the address and the link's id. The address
-- itself may be forgotten meanwhile. '' where the provider had vouched for none.
ALTER TABLE links ADD COLUMN undeliverable_of TEXT NOT NULL DEFAULT '';
