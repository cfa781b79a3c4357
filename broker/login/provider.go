package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// What providers read of the broker and say to it besides sign-ins: SAML
// metadata, and messages of sign-outs.

var (
	// providerIndex leads from what a provider may call a session to the SIDs
	// of the broker's own.
	providerIndex = store.Index{Name: "provider"}

	// messageTable keeps a logout message that was posted until the browser
	// comes for it by a GET, with its cookie.
	messageTable = store.Table[providerMessage]{Name: "logout"}
)

type providerMessage struct {
	Connector string                   `json:"connector"`
	Message   connectors.LogoutMessage `json:"message"`
}

// enlist enters s where what its providers say of it finds it, for as long as it may
// live.
func enlist(b *store.Batch, s Session, lifetime time.Duration) {
	for _, e := range s.signIns() {
		if e.Provider == nil {
			continue
		}
		for _, key := range e.Provider.Keys {
			providerIndex.Add(b, fingerprint("session", e.Connector, key), s.SID, lifetime)
		}
	}
}

// publisher and logouter are the connector of r's path, if it is one.
func (f *Flow) publisher(r *http.Request) (connectors.Publisher, error) {
	way, _ := f.way(r.PathValue("connector"))
	publisher, ok := way.Connector.(connectors.Publisher)
	return publisher, known(ok)
}

func (f *Flow) logouter(r *http.Request) (connectors.Logouter, error) {
	way, _ := f.way(r.PathValue("connector"))
	logouter, ok := way.Connector.(connectors.Logouter)
	return logouter, known(ok)
}

// known is the error of an address that a connector does not have.
func known(ok bool) error {
	if ok {
		return nil
	}
	return &web.Error{Status: http.StatusNotFound, Message: web.NotFound, Err: errors.New("no connector has this address")}
}

// handleMetadata publishes what a provider reads to know the broker.
func (f *Flow) handleMetadata(w http.ResponseWriter, r *http.Request) error {
	publisher, err := f.publisher(r)
	if err != nil {
		return err
	}
	body, mediaType, err := publisher.Metadata(r.Context())
	if err != nil {
		return err
	}
	// Less than a new key is published before it signs.
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("Content-Type", mediaType)
	_, err = w.Write(body)
	return err
}

// handleLogout takes a logout message that comes with the browser.
func (f *Flow) handleLogout(w http.ResponseWriter, r *http.Request) error {
	logouter, err := f.logouter(r)
	if err != nil {
		return err
	}
	var m connectors.LogoutMessage
	if h, ok := store.ParseHandle(r.URL.Query().Get("message")); ok {
		m, err = f.takeMessage(r, h)
	} else {
		m, err = f.readCounted(r, logouter)
	}
	switch {
	case err != nil:
		return err
	case m.Answers != "":
		return f.Answered(w, r, Party{Connector: r.PathValue("connector")}, m.Answers, m.OK)
	}
	return f.providerEnds(w, r, m)
}

// handlePostedLogout keeps a logout message that was posted, without the
// browser's cookie, for a GET that brings it.
func (f *Flow) handlePostedLogout(w http.ResponseWriter, r *http.Request) error {
	logouter, err := f.logouter(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return unreadable(err)
	}
	m, err := f.readCounted(r, logouter)
	if err != nil {
		return err
	}
	h, b := store.NewHandle(), f.Store.Batch()
	messageTable.Put(b, h, providerMessage{Connector: r.PathValue("connector"), Message: m}, keptTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	getInstead(w, r, url.Values{"message": {h.String()}})
	return nil
}

func (f *Flow) takeMessage(r *http.Request, h store.Handle) (connectors.LogoutMessage, error) {
	b := f.Store.Batch()
	taken := messageTable.Take(b, h)
	if err := b.Exec(r.Context()); err != nil {
		return connectors.LogoutMessage{}, err
	}
	m, ok := taken.Value()
	if !ok || m.Connector != r.PathValue("connector") {
		return connectors.LogoutMessage{}, notUnderstood(errors.New("no logout message is kept under the handle"))
	}
	return m.Message, nil
}

// readCounted is readLogout for what a browser brings, which is counted before
// a signature is looked at.
func (f *Flow) readCounted(r *http.Request, logouter connectors.Logouter) (connectors.LogoutMessage, error) {
	if err := f.counted(r).Exec(r.Context()); err != nil {
		return connectors.LogoutMessage{}, err
	}
	return f.readLogout(r, logouter)
}

// readLogout has the connector check the message in r. A question is taken
// once.
func (f *Flow) readLogout(r *http.Request, logouter connectors.Logouter) (connectors.LogoutMessage, error) {
	m, err := logouter.ReadLogout(r.Context(), r)
	if err == nil {
		b := f.Store.Batch()
		first := f.first(b, "question", r.PathValue("connector"), m.Once, store.NewHandle().Ref())
		if err := b.Exec(r.Context()); err != nil {
			return m, err
		}
		err = first()
	}
	if err == nil {
		return m, nil
	}
	if outcomeOf(err) == connectors.Unavailable {
		return m, &web.Error{Status: http.StatusServiceUnavailable, Message: web.Unavailable, Retry: 30 * time.Second, Err: err}
	}
	return m, notUnderstood(err)
}

func notUnderstood(err error) error {
	return &web.Error{Status: http.StatusBadRequest, Message: web.RequestInvalid, Err: err}
}

// providerEnds ends the sessions that a provider names through the browser, and
// answers it there.
func (f *Flow) providerEnds(w http.ResponseWriter, r *http.Request, m connectors.LogoutMessage) error {
	connector := r.PathValue("connector")
	reply, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("keep the provider's question: %w", err)
	}
	l := Leaving{Connector: connector, Reply: reply, Silent: m.Silent, Certain: true}
	current, err := f.Current(r)
	if err != nil {
		return err
	}
	here := current != nil && current.named(connector, m.Keys)
	except := ""
	if here {
		except = current.SID
	}
	others, err := f.endNamed(r.Context(), l, m.Keys, except)
	if err != nil {
		return err
	}
	if here {
		return f.signOut(w, r, l, others)
	}
	return f.answer(w, r, farewell{Leaving: l, Receipt: others})
}

// named reports whether a connector's provider calls s by one of keys.
func (s Session) named(connector string, keys []string) bool {
	return slices.ContainsFunc(s.signIns(), func(e Earlier) bool {
		return e.Connector == connector && e.Provider != nil &&
			slices.ContainsFunc(e.Provider.Keys, func(key string) bool { return slices.Contains(keys, key) })
	})
}

// endNamed ends the sessions that l.Connector's provider calls by keys, but for
// the one that the browser is in.
func (f *Flow) endNamed(ctx context.Context, l Leaving, keys []string, except string) (Receipt, error) {
	var all Receipt
	sids, err := f.sids(ctx, l.Connector, keys)
	if err != nil {
		return all, err
	}
	for _, sid := range sids {
		if sid == except {
			continue
		}
		done, err := f.EndSession(ctx, sid, l) // a second time, nothing
		if err != nil {
			return all, err
		}
		all.add(done)
	}
	return all, nil
}

// sids are the sessions that a connector's provider calls by keys. Some may be
// over.
func (f *Flow) sids(ctx context.Context, connector string, keys []string) ([]string, error) {
	b := f.Store.Batch()
	var found []*store.Reply[[]string]
	for _, key := range keys {
		found = append(found, providerIndex.Members(b, fingerprint("session", connector, key)))
	}
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	var all []string
	for _, reply := range found {
		sids, _ := reply.Value()
		all = append(all, sids...)
	}
	return all, nil
}

// countedProvider is a batch that counts a provider's own request against its
// address: providers ask from few addresses, for many people.
func (f *Flow) countedProvider(r *http.Request) *store.Batch {
	b := f.Store.Batch()
	b.Count("provider:"+web.Network(f.Site.Address(r)).String(), store.Limit{PerMinute: 10 * f.Limit.PerMinute})
	return b
}

// handleLogoutSOAP takes a logout question that a provider asks from server to
// server.
func (f *Flow) handleLogoutSOAP(w http.ResponseWriter, r *http.Request) error {
	logouter, err := f.logouter(r)
	if err != nil {
		return err
	}
	if err := f.countedProvider(r).Exec(r.Context()); err != nil {
		return err
	}
	m, err := f.readLogout(r, logouter)
	if err != nil {
		return err
	}
	if m.Answers != "" {
		return notUnderstood(errors.New("an answer came where only questions come"))
	}
	done, err := f.endNamed(r.Context(), Leaving{Connector: r.PathValue("connector")}, m.Keys, "")
	if err != nil {
		return err
	}
	body, err := logouter.AnswerSOAP(r.Context(), m, done.Whole())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8") // SOAP 1.1 §6
	_, err = w.Write(body)
	return err
}

// answerProvider answers the provider that started a sign-out in the browser.
func (f *Flow) answerProvider(w http.ResponseWriter, r *http.Request, l Leaving, done Receipt) error {
	var m connectors.LogoutMessage
	if err := json.Unmarshal(l.Reply, &m); err != nil {
		return fmt.Errorf("read the provider's question: %w", err)
	}
	way, _ := f.way(l.Connector)
	logouter, ok := way.Connector.(connectors.Logouter)
	if !ok {
		return known(false)
	}
	to, err := logouter.AnswerLogout(r.Context(), m, done.Whole())
	if err != nil {
		return err
	}
	if to.URL == "" { // it has no address for answers
		return f.answer(w, r, farewell{Known: true, Receipt: done})
	}
	return f.send(w, r, to)
}
