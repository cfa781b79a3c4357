package accounts

import "strings"

// EnterQuery is the one statement of a returning resident's sign-in.
const EnterQuery = enter

// MakeUnlike makes an account for whoever resembles nobody.
const MakeUnlike = makeUnlike

// Kept is a table that holds something about people.
type Kept = kept

// OfPeople are all of them.
func OfPeople() []Kept { return ofPeople[:] }

// Table is its name.
func (k kept) Table() string { return k.table }

// Title is what a copy calls its rows.
func (k kept) Title() string { return k.title() }

// Columns are all of its columns, shown or hidden.
func (k kept) Columns() []string {
	var all []string
	for column := range strings.FieldsSeq(k.shown + " " + k.hidden) {
		name, _, _ := strings.Cut(column, ":")
		all = append(all, name)
	}
	return all
}
