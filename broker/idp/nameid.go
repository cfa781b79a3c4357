package idp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// maxNameID bounds a persistent identifier (Core §8.3.7).
const maxNameID = 256

// format picks the format of the name identifier that a NameIDPolicy asks for;
// none and unspecified leave it to us (Core §3.4.1.1, §8.3.1). ok is false for
// one that the app does not get.
func (a *app) format(asked string) (format string, ok bool) {
	formats := a.formats()
	switch {
	case slices.Contains(formats, asked):
		return asked, true
	case asked == "" || asked == message.Unspecified:
		return formats[0], true
	}
	return "", false
}

// name is what the app knows the resident by, or why there is no such name.
func (s *Server) name(a *app, session login.Session, format string) (message.NameID, error) {
	value, err := a.identifier(session, format)
	if err != nil {
		return message.NameID{}, err
	}
	n := message.NameID{Value: value, Format: format}
	qualified := format == message.Persistent || format == message.Transient
	if qualified && *a.saml.NameID.Qualifiers {
		n.NameQualifier, n.SPNameQualifier = s.entityID(), a.entityID
	}
	return n, nil
}

func (a *app) identifier(session login.Session, format string) (string, error) {
	switch format {
	case message.Transient:
		// Core §8.3.8: a name for this session. A new one at every sign-on would
		// be one more for the app to be asked about when the session ends.
		return a.derived(session, "name"), nil
	case message.Email:
		return verifiedEmail(session.Said)
	}
	return a.lasting(session)
}

// telling reports whether a name identifier of the format is made of what is known of
// the resident.
func (a *app) telling(format string) bool {
	return format == message.Email || format != message.Transient && a.nameID != nil
}

// verifiedEmail is the address of a resident who is believed to have it:
// whoever may write any address could be anybody to the app.
func verifiedEmail(said mapping.Statement) (string, error) {
	email := said.Claims.Text("email")
	if email == "" || !slices.Contains(said.Verified, "email") {
		return "", errors.New("no verified e-mail address is known")
	}
	return email, nil
}

// lasting is an identifier that stays the same at every sign-in: one that a
// legacy system gave out and that is pinned to the account, what the app's
// nameid.value says, or the pairwise subject. What nameid.value says is of the way in
// that was used, whosever account that leads to: no merge of accounts changes it.
func (a *app) lasting(session login.Session) (string, error) {
	account := session.Account
	if _, pinned := account.Subjects[a.Sector]; pinned || a.nameID == nil {
		return account.Subject(a.Sector), nil
	}
	value, err := a.nameID.Eval(vouched(session.Said))
	if err != nil {
		return "", errors.New("nameid.value finds no claim that the provider vouches for")
	}
	text, ok := value.(string)
	if !ok || text == "" || len(text) > maxNameID {
		return "", errors.New("nameid.value gives no text of 1 to 256 bytes")
	}
	return text, nil
}

// vouched are the claims that the provider vouches for. An identifier is made
// of no others: a resident who can tell a provider what they like could
// otherwise be anybody to the app.
func vouched(said mapping.Statement) mapping.Claims {
	claims := mapping.Claims{}
	for _, name := range said.Verified {
		claims[name] = said.Claims[name]
	}
	return claims
}

// sessionIndex names the session to one app (Core §2.7.2).
func (a *app) sessionIndex(session login.Session) string { return a.derived(session, "session") }

// derived is an identifier of the session towards one app. It stays the same
// while the session lasts, and no two apps can tell that theirs are of one
// session, nor one app that two are of one resident.
func (a *app) derived(session login.Session, what string) string {
	mac := hmac.New(sha256.New, session.Account.SubjectKey)
	mac.Write([]byte("councilid saml " + what + "\x00" + session.SID + "\x00" + a.ID))
	return "_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}
