package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// What providers tell, from server to server, of accounts and sessions there.
//
// A notice is acted on first and remembered afterwards: where acting fails half
// way, the sender hears so, tries again, and finds nothing remembered. Whatever
// is done here may therefore be done twice and come to the same.

var (
	// heardTable remembers notices that were acted on, by what their connector
	// calls them: the Code of each.
	heardTable = store.Table[string]{Name: "heard"}

	// latestTable is when the last thing happened in a matter of an account, as
	// whether it leads in. Messages overtake one another.
	latestTable = store.Table[time.Time]{Name: "latest"}
)

// What may become of messages and events besides the actions, for the metrics.
const (
	eventRefused  = "refused"   // the message did not pass the checks
	eventRepeated = "repeated"  // it was acted on before
	eventUnknown  = "unknown"   // it is about nobody who signs in here
	eventOld      = "overtaken" // something later had happened already
)

func (f *Flow) mountEvents(mux *http.ServeMux) {
	for pattern, inbox := range map[string]connectors.Inbox{
		"POST /events/{connector}":             connectors.EventsInbox,
		"POST /events/{connector}/deletion":    connectors.DeletionInbox,
		"POST /logout/{connector}/backchannel": connectors.BackChannelInbox,
	} {
		mux.Handle(pattern, f.Site.Handle(func(w http.ResponseWriter, r *http.Request) error {
			return f.receive(w, r, inbox)
		}))
	}
	mux.Handle("GET /deletion-status/{code}", f.Site.Handle(f.handleDeletionStatus))
}

// receive takes what a provider posts to an inbox.
func (f *Flow) receive(w http.ResponseWriter, r *http.Request, inbox connectors.Inbox) error {
	receiver, err := f.receiver(r, inbox)
	if err != nil {
		return err
	}
	if err := f.countedProvider(r).Exec(r.Context()); err != nil {
		return err
	}
	connector := r.PathValue("connector")
	n, err := receiver.Receive(r.Context(), r)
	if err != nil {
		f.observeEvent(connector, eventRefused)
		web.Annotate(r, slog.String("connector", connector), slog.String("refused", err.Error()))
		return reply(w, receiver.Refuse(err))
	}
	n.Code, err = f.heed(r.Context(), letter{connector, inbox}, n)
	if err != nil {
		return err
	}
	return reply(w, receiver.Acknowledge(n, f.Issuer+"/deletion-status/"+n.Code))
}

// receiver is what speaks for the connector of r's path at an inbox, if it has
// that inbox.
func (f *Flow) receiver(r *http.Request, inbox connectors.Inbox) (connectors.Receiver, error) {
	way, _ := f.way(r.PathValue("connector"))
	listener, ok := way.Connector.(connectors.Listener)
	if !ok || listener.Receiver(inbox) == nil {
		return nil, known(false)
	}
	return listener.Receiver(inbox), nil
}

// reply answers another server.
func reply(w http.ResponseWriter, answer connectors.Reply) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store") // Back-Channel Logout 1.0 §2.8
	if answer.MediaType != "" {
		h.Set("Content-Type", answer.MediaType)
		h.Set("Content-Language", "en") // of what is wrong: RFC 8935 §2.3
	}
	w.WriteHeader(answer.Status)
	_, err := w.Write(answer.Body)
	return err
}

func (f *Flow) observeEvent(connector, outcome string) {
	if f.ObserveEvent != nil {
		f.ObserveEvent(connector, outcome)
	}
}

// letter is where a notice came from: by it and its Once it is known again.
type letter struct {
	connector string
	inbox     connectors.Inbox
}

func (l letter) handle(once connectors.Once) store.Handle {
	return store.Handle{Tag: fingerprint("notice", l.connector, string(l.inbox), once.ID)}
}

// heed acts on a notice, unless that was done before, and returns the code by
// which a person can ask what became of it. It goes on when the sender has hung
// up.
func (f *Flow) heed(ctx context.Context, from letter, n connectors.Notice) (string, error) {
	ctx = context.WithoutCancel(ctx)
	b, h := f.Store.Batch(), from.handle(n.Once)
	before := heardTable.Get(b, h)
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	if code, heard := before.Value(); heard {
		f.observeEvent(from.connector, eventRepeated)
		return code, nil
	}
	keep := n.Once.Until.Sub(f.Now())
	anybody, err := f.actOn(ctx, from.connector, n.Events, keep)
	if err != nil {
		return "", err
	}
	heardTable.Add(b, h, n.Code, keep)
	code := heardTable.Get(b, h)
	if n.Code != "" {
		f.deleted(b, n.Code, from.connector, anybody)
	}
	if err := b.Exec(ctx); err != nil {
		return "", err
	}
	kept, _ := code.Value() // another node's, where it was faster
	return kept, nil
}

// actOn does what follows from events, and counts and logs it. anybody reports
// whether one of them is about somebody who is known here.
func (f *Flow) actOn(ctx context.Context, connector string, events []connectors.Event, keep time.Duration) (anybody bool, err error) {
	for _, e := range events {
		outcome, err := f.act(ctx, connector, e, keep)
		if err != nil {
			return anybody, err
		}
		anybody = anybody || outcome != eventUnknown
		f.observeEvent(connector, outcome)
		web.Note(ctx, slog.String("connector", connector), slog.String("event", e.Type), slog.String("outcome", outcome))
	}
	return anybody, nil
}

// act does what follows from an event, and says what that was.
func (f *Flow) act(ctx context.Context, connector string, e connectors.Event, keep time.Duration) (outcome string, err error) {
	outcome = string(e.Action)
	var link accounts.Link
	if in, change := f.toLink(e.Action); change != nil {
		link, outcome, err = f.inOrder(ctx, in, connector, e, keep, change)
	}
	if err != nil || outcome == eventOld || !endsSessions(e.Action) {
		return outcome, err
	}
	err = f.endTold(ctx, connector, e)
	if err == nil && link.ID != "" {
		err = f.suspend(ctx, link)
	}
	return outcome, err
}

// endsSessions reports whether nobody stays signed in after an action.
func endsSessions(a connectors.Action) bool {
	return a == connectors.EndSessions || a == connectors.Freeze || a == connectors.Unlink
}

// linkChange is one of the changes to a link that [accounts.Accounts] knows.
type linkChange func(ctx context.Context, issuer, subject, what string) (accounts.Link, error)

// matter is what of a link changes: of two events in one matter the later counts.
type matter string

const (
	leadsIn   matter = "leads-in"   // whether somebody may sign in by it
	takesMail matter = "takes-mail" // whether mail reaches the address that it brought
)

// toLink is what an action does to a link, nil where it does nothing.
func (f *Flow) toLink(a connectors.Action) (matter, linkChange) {
	switch a {
	case connectors.Freeze:
		return leadsIn, f.Accounts.Freeze
	case connectors.Thaw:
		return leadsIn, f.Accounts.Thaw
	case connectors.Unlink:
		return leadsIn, f.Accounts.Unlink
	case connectors.Undeliverable:
		return takesMail, f.Accounts.Undeliverable
	case connectors.Deliverable:
		return takesMail, f.Accounts.Deliverable
	}
	return "", nil
}

// inOrder changes the link of an event's account, and tells which that is. An event that comes after a
// later one in the matter changes nothing: a link that was let in again is not to
// freeze because its freezing was delivered late.
func (f *Flow) inOrder(ctx context.Context, in matter, connector string, e connectors.Event, keep time.Duration, change linkChange) (link accounts.Link, outcome string, err error) {
	b, h := f.Store.Batch(), store.Handle{Tag: fingerprint("latest", string(in), connector, e.Issuer, e.Subject)}
	last := latestTable.Get(b, h)
	if err := b.Exec(ctx); err != nil {
		return link, "", err
	}
	if at, ok := last.Value(); ok && e.At.Before(at) {
		return link, eventOld, nil
	}
	link, err = change(ctx, e.Issuer, e.Subject, e.Type)
	switch {
	case errors.Is(err, accounts.ErrUnknownLink):
		return link, eventUnknown, nil
	case err != nil:
		return link, "", err
	}
	web.Note(ctx, slog.String("account", link.Account))
	latestTable.Put(b, h, e.At, keep)
	return link, string(e.Action), b.Exec(ctx)
}

// endTold ends the sessions that an event is about, and leaves word in the
// browser of each.
func (f *Flow) endTold(ctx context.Context, connector string, e connectors.Event) error {
	sids, err := f.sids(ctx, connector, e.Keys)
	if err != nil {
		return err
	}
	for _, sid := range sids {
		_, s, err := f.endSession(ctx, sid, Leaving{Connector: connector})
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		b := f.Store.Batch()
		wordTable.Put(b, s.handle, word{Connector: connector, Reason: reasonOfEnd(e)}, wordTime)
		if err := b.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
