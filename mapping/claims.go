package mapping

// Claims are statements about one person. Before the rules they carry the
// provider's own names; after them OpenID Connect's standard names (OpenID
// Connect Core §5.1). Values are what encoding/json makes of JSON.
type Claims map[string]any

// Text returns the claim as a string, or "" where it is absent or of another
// type.
func (c Claims) Text(name string) string {
	s, _ := c[name].(string)
	return s
}

// Statement is what one provider said about one person in standard names,
// with what the provider is believed to have checked.
type Statement struct {
	Claims   Claims   `json:"claims"`
	Verified []string `json:"verified,omitempty"` // names of the claims this provider vouches for, sorted
	Dropped  []string `json:"dropped,omitempty"`  // names whose rule could not be evaluated on this answer, sorted
}

// Checked is the part of the statement that the provider vouches for, and what
// carries a flag that says whether it does: the e-mail address and the telephone
// number.
func (st Statement) Checked() Statement {
	checked := Statement{Claims: Claims{}, Verified: st.Verified}
	for _, name := range append([]string{"email", emailVerified, "phone_number", phoneVerified}, st.Verified...) {
		if value, ok := st.Claims[name]; ok {
			checked.Claims[name] = value
		}
	}
	return checked
}

// Signed are the documents that a provider signed, by the names that
// config.Level.From knows them by, with what each says. Levels of assurance are
// read from them alone.
type Signed map[string]Claims
