package op

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/web"
)

// Signing out is simple where nothing is doubtful: an app shows by an
// id_token_hint that it means the session that this browser is in, and names an
// address that it registered. Then the session ends and the browser is sent
// there. In any other case the resident is asked first, as the request may be
// another site's mischief, and stays here afterwards, with a link to the app
// where one is known.

// logout is a sign-out request (OpenID Connect RP-Initiated Logout §2).
type logout struct {
	client *client // nil where the request names none that is certain
	sid    string  // the session that the hint is about; "" without a good hint
	to     replyTo // where to go afterwards; may lead nowhere
	sound  bool    // nothing that was sent is wrong
}

// parseLogout reads a sign-out request. There is no error: of what is wrong
// nothing is believed.
func parseLogout(form url.Values, clients map[string]*client, verify func(hint string) (idToken, error)) logout {
	if repeated(form) {
		return logout{}
	}
	l, id := logout{sound: true}, form.Get("client_id")
	if hint := form.Get("id_token_hint"); hint != "" {
		t, err := verify(hint)
		if err != nil || id != "" && id != t.Audience {
			return logout{}
		}
		id, l.sid = t.Audience, t.Session
	}
	c, ok := clients[id]
	if !ok {
		return logout{sound: id == ""}
	}
	l.client = c
	if uri := form.Get("post_logout_redirect_uri"); uri != "" {
		l.to, l.sound = c.leaveTo(uri, form.Get("state"))
	}
	return l
}

// certain reports whether the request may be carried out without asking. s is
// the browser's session, nil for none.
func (l logout) certain(s *login.Session) bool {
	switch {
	case !l.sound:
		return false
	case s == nil:
		return true
	}
	return l.sid != "" && l.sid == l.client.session(*s)
}

// handleEndSession is the end session endpoint.
func (s *Server) handleEndSession(w http.ResponseWriter, r *http.Request) error {
	form := r.URL.Query()
	s.Site.SetLocales(w, r, strings.Fields(form.Get("ui_locales")))
	l := parseLogout(form, s.clients, s.verifyHint)
	l.annotate(r)
	session, err := s.Flow.Current(r)
	if err != nil {
		return err
	}
	if !l.certain(session) {
		return s.Site.Page(w, r, http.StatusOK, "sign_out", web.SignOut{Action: "/end_session/confirm", Fields: logoutFields(form)})
	}
	if l.sid == "" || !l.to.known() {
		return s.Flow.Leave(w, r, l.here())
	}
	reply, err := json.Marshal(farewell{URI: l.to.uri, State: []byte(l.to.state)})
	if err != nil {
		return fmt.Errorf("keep the reply: %w", err)
	}
	return s.Flow.Leave(w, r, login.Leaving{Protocol: Protocol, App: l.client.app.ID, Reply: reply})
}

// handleConfirmEndSession signs out a resident who was asked. What the form
// brought along is parsed anew, as a form is only what a browser sent.
func (s *Server) handleConfirmEndSession(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return cannotBeCompleted(web.RequestInvalid, err)
	}
	l := parseLogout(r.PostForm, s.clients, s.verifyHint)
	l.annotate(r)
	here := l.here()
	here.Certain = true
	return s.Flow.Leave(w, r, here)
}

// here is a sign-out that ends on the broker's own page. The address that an
// app asked for is a link on it: nothing shows that the app's own page asked.
func (l logout) here() login.Leaving {
	var here login.Leaving
	if l.client != nil {
		here.App = l.client.app.ID
	}
	if l.to.known() {
		here.Back = l.to.with(url.Values{})
	}
	return here
}

// logoutFields are the parameters that the confirmation brings along.
func logoutFields(form url.Values) map[string]string {
	fields := map[string]string{}
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"} {
		if values := form[name]; len(values) == 1 {
			fields[name] = values[0]
		}
	}
	return fields
}

func (l logout) annotate(r *http.Request) {
	if l.client != nil {
		web.Annotate(r, slog.String("app", l.client.app.ID))
	}
}
