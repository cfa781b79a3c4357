package idp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// use is what has to be known of an assertion to end the session that it
// began: the ledger's Detail.
type use struct {
	NameID message.NameID `json:"nameid"` // verbatim: apps compare all of it
	Index  string         `json:"index"`
}

// named is a session in which an app was told a name identifier.
type named struct {
	Index string `json:"index"` // the SessionIndex that the app knows it by
	SID   string `json:"sid"`   // login.Session.SID
}

// names finds the sessions of a name identifier, for apps that end one without
// its browser. An entry that outlives its session leads nowhere.
var names = store.Index{Name: "saml_names"}

// nameKey is the name that an app knows somebody by. The qualifiers are the
// same for all of an app's names, and some apps leave them out.
func nameKey(a *app, n message.NameID) string {
	format := n.Format
	if format == "" {
		format = message.Unspecified // Core §8.3.1
	}
	return strings.Join([]string{a.ID, format, n.Value}, "\x00")
}

// note adds to b what has to be known later of an assertion.
func (s *Server) note(b *store.Batch, a *app, session login.Session, st message.Statement, told []string) error {
	detail, err := json.Marshal(use{st.NameID, st.SessionIndex})
	if err != nil {
		return fmt.Errorf("note the assertion: %w", err)
	}
	entry, err := json.Marshal(named{st.SessionIndex, session.SID})
	if err != nil {
		return fmt.Errorf("note the assertion: %w", err)
	}
	left := s.Flow.Over(session).Sub(s.Now())
	s.Flow.Used(b, session, login.Use{Protocol: Protocol, App: a.ID, Detail: detail}, told, left)
	names.Add(b, nameKey(a, st.NameID), string(entry), left)
	return nil
}

// find returns the sessions that a request means: those of the name, and of
// these the ones that it lists, if it lists any.
func (s *Server) find(ctx context.Context, a *app, asked logoutRequest) ([]named, error) {
	n := asked.NameID
	if n.NameQualifier != "" && n.NameQualifier != s.entityID() || n.SPNameQualifier != "" && n.SPNameQualifier != a.entityID {
		return nil, nil // another's name that reads the same
	}
	b := s.Store.Batch()
	members := names.Members(b, nameKey(a, n))
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	entries, _ := members.Value()
	var meant []named
	for _, entry := range entries {
		var session named
		if err := json.Unmarshal([]byte(entry), &session); err != nil {
			return nil, fmt.Errorf("read the sessions of a name: %w", err)
		}
		if len(asked.Indexes) == 0 || slices.Contains(asked.Indexes, session.Index) {
			meant = append(meant, session)
		}
	}
	return meant, nil
}

// holds reports whether a session is among those that are meant.
func holds(meant []named, index string) bool {
	return slices.ContainsFunc(meant, func(n named) bool { return n.Index == index })
}
