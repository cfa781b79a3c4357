package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// An account is one person's. Nobody sees people here, so what they have proved has
// to keep two of them apart:
//
//   - whoever adds a way in shows all that was ever proved of the person, or a thief
//     of a weak way in could add a strong one of their own;
//   - two ways in that prove who somebody is prove one date of birth. Names differ
//     for good reasons, dates of birth do not.

var (
	// ErrUnproven says that more was proved of the person, at some time, than by
	// whoever wants to add a way in.
	ErrUnproven = errors.New("more was once proved of the account's person")

	// ErrTwoPeople says that a sign-in proves another date of birth than another way
	// in to the account has proved.
	ErrTwoPeople = errors.New("another date of birth is proved of the account's person")
)

// shown refuses with ErrUnproven whoever is signed in as less than was ever proved of
// the account's person: evidence that is over, or that does not count for now, is
// still about somebody.
func shown(ctx context.Context, tx *db.Tx, account string, level mapping.Assurance) error {
	rows, err := tx.Query(ctx, `SELECT levels FROM evidence WHERE account_id = $1`, account)
	if err != nil {
		return err
	}
	defer rows.Close()

	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		proved, err := mapping.ParseAssurance(text)
		if err != nil {
			return fmt.Errorf("evidence of account %s: %w", account, err)
		}
		if !level.AtLeast(proved.Person()) {
			return ErrUnproven
		}
	}
	return rows.Err()
}

// onePerson refuses with ErrTwoPeople a sign-in by link that proves another date of
// birth than another way in to the account has proved.
func onePerson(ctx context.Context, tx *db.Tx, link Link, in SignIn) error {
	born := in.Said.Claims.Text("birthdate")
	if in.Level.Identity < mapping.P1 || born == "" || !slices.Contains(in.Said.Verified, "birthdate") {
		return nil
	}
	others, err := birthdates(ctx, tx, link.Account, link.ID)
	if err == nil && slices.ContainsFunc(others, func(other string) bool { return differ(born, other) }) {
		return ErrTwoPeople
	}
	return err
}

// onePersons refuses with ErrTwoPeople two accounts of whose people different dates of
// birth are proved.
func onePersons(ctx context.Context, tx *db.Tx, one, other string) error {
	mine, err := birthdates(ctx, tx, one, "")
	if err != nil {
		return err
	}
	theirs, err := birthdates(ctx, tx, other, "")
	for _, born := range mine {
		if slices.ContainsFunc(theirs, func(b string) bool { return differ(born, b) }) {
			return ErrTwoPeople
		}
	}
	return err
}

// birthdates are the dates of birth that ways in to an account have proved, but for
// one of them. What a provider says later and does not vouch for proves nothing, and
// takes nothing away.
func birthdates(ctx context.Context, tx *db.Tx, account, but string) ([]string, error) {
	return column(tx.Query(ctx, `SELECT l.key FROM likeness l
		WHERE l.account_id = $1 AND l.link_id <> $2 AND l.kind = '`+unlikeness+`'
			AND EXISTS (SELECT 1 FROM evidence e WHERE e.account_id = $1 AND e.link_id = l.link_id AND e.levels NOT LIKE 'P0%')`,
		account, but))
}

// differ reports whether two dates of birth cannot be one person's. Of either the
// year may be missing, as 0000, or all but the year (OpenID Connect Core §5.1).
func differ(a, b string) bool {
	year, day, _ := strings.Cut(a, "-")
	otherYear, otherDay, _ := strings.Cut(b, "-")
	apart := func(a, b, unknown string) bool { return a != b && a != unknown && b != unknown }
	return apart(year, otherYear, "0000") || apart(day, otherDay, "")
}

// refused audits that a sign-in was refused for err, if it was for what it proves.
func (a *Accounts) refused(ctx context.Context, kind, account string, in SignIn, err error) error {
	if !errors.Is(err, ErrTwoPeople) {
		return err
	}
	return errors.Join(err, a.db.InTx(ctx, func(tx *db.Tx) error {
		return chain(ctx, tx, a.now(), entry{
			Kind: kind, Account: account, Actor: resident, Detail: map[string]any{"connector": in.Connector, "why": "birthdate"},
		})
	}))
}
