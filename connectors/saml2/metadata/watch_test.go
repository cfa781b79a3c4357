package metadata_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

const watchedID = "https://idp.example/metadata"

// publisher is where metadata is fetched from.
type publisher struct {
	mu       sync.Mutex
	document string
	err      error
	takes    time.Duration
	fetches  int
}

func (p *publisher) fetch(ctx context.Context) ([]byte, error) {
	select {
	case <-time.After(p.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetches++
	return []byte(p.document), p.err
}

func (p *publisher) publish(document string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.document, p.err = document, err
}

func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// watched is a Watched with all that a test sees of it.
type watched struct {
	*testing.T
	*metadata.Watched
	*publisher
	log *bytes.Buffer
}

// watch fetches what the publisher has, and is run in a bubble where time is
// made up. change may alter the source.
func watch(t *testing.T, document string, change func(*metadata.Source), run func(watched)) {
	t.Helper()
	for _, once := range []func() xmlsig.Credential{provider, renewed, federation, attacker} {
		once() // outside, as it takes real time
	}
	synctest.Test(t, func(t *testing.T) {
		p, log := &publisher{document: document}, &bytes.Buffer{}
		s := metadata.Source{
			EntityID: watchedID, Fetch: p.fetch, Refresh: time.Hour, KeepLastGood: 5 * time.Hour,
			Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
		}
		if change != nil {
			change(&s)
		}
		w, err := metadata.Watch(s)
		if err != nil {
			t.Fatal(err)
		}
		run(watched{t, w, p, log})
		synctest.Wait()
	})
}

// get wants an entity with this one signing key, or with "" an error.
func (w watched) get(key string) error {
	w.Helper()
	e, err := w.Get(w.Context())
	switch {
	case key == "" && (err == nil || e != nil):
		w.Errorf("got %v, %v, want an error", e, err)
	case key != "" && err != nil:
		w.Errorf("%v, want key %s", err, key)
	case key != "" && strings.Join(subjects(e.Signing), " ") != key:
		w.Errorf("key %s, want %s", subjects(e.Signing), key)
	}
	return err
}

// later lets time pass, and what was begun end.
func (w watched) later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w watched) fetched(want int) {
	w.Helper()
	synctest.Wait()
	if got := w.count(); got != want {
		w.Errorf("%d fetches, want %d", got, want)
	}
}

// logged wants these words in the log, and empties it.
func (w watched) logged(want ...string) {
	w.Helper()
	synctest.Wait()
	got := w.log.String()
	for _, s := range want {
		if !strings.Contains(got, s) {
			w.Errorf("no %q in the log: %q", s, got)
		}
	}
	if len(want) == 0 && got != "" {
		w.Errorf("log: %s", got)
	}
	w.log.Reset()
}

// with is an entity that signs with one key.
func with(attributes string, c xmlsig.Credential) string {
	return entity(watchedID, attributes, `<IDPSSODescriptor `+saml20+`>`+keyInfo(`use="signing"`, c)+redirectSSO+`</IDPSSODescriptor>`)
}

func TestWatchRefuses(t *testing.T) {
	fetch := func(context.Context) ([]byte, error) { return nil, errors.New("not now") }
	for _, c := range []struct {
		source metadata.Source
		want   string
	}{
		{metadata.Source{}, "either inline or fetched"},
		{metadata.Source{Inline: []byte(idp(watchedID)), Fetch: fetch, EntityID: watchedID}, "either inline or fetched"},
		{metadata.Source{Fetch: fetch}, "needs the entity's ID"},
		{metadata.Source{Fetch: fetch, EntityID: watchedID, Signer: []*x509.Certificate{}}, "signer has no certificate"},
		{metadata.Source{Inline: []byte(idp(watchedID)), Signer: signers(federation())}, "not signed"},
		{metadata.Source{Inline: []byte(idp(watchedID)), EntityID: "https://other.example"}, "does not describe"},
	} {
		if w, err := metadata.Watch(c.source); w != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestWatchInline(t *testing.T) {
	at := now
	w, err := metadata.Watch(metadata.Source{
		Inline: []byte(sign(t, with(`validUntil="2026-11-23T13:00:00Z"`, provider()), federation())),
		Signer: signers(federation()), Now: func() time.Time { return at },
	})
	if err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[time.Duration]string{0: "", time.Hour - 1: "", time.Hour: "valid until 2026-11-23T13:00:00Z"} {
		at = now.Add(offset)
		e, err := w.Get(t.Context())
		check(t, offset.String(), e, err, want)
	}
}

// The first who need it wait for one fetch; who leaves does not end it.
func TestFirstFetch(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		w.takes = time.Second
		w.fetched(0)
		hasty, leave := context.WithTimeout(w.Context(), time.Millisecond)
		defer leave()
		if _, err := w.Get(hasty); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("%v", err)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { w.get("provider") })
		}
		all.Wait()
		w.get("provider")
		w.fetched(1)
		w.logged()
	})
}

func TestRefresh(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		w.get("provider")
		w.publish(with("", renewed()), nil)
		w.later(54*time.Minute - 1)
		w.get("provider")
		w.fetched(1)

		w.later(6*time.Minute + 1)
		w.takes = time.Second
		w.get("provider") // at once, while it is fetched
		w.get("provider")
		w.later(time.Second)
		w.get("renewed") // and the old key is gone
		w.fetched(2)
		w.logged("level=INFO", "metadata has other keys", "entity="+watchedID, "before=", "now=")
	})
}

// renew wants the entity to have this one signing key now, or with "" no other
// keys than the entity that is known has.
func (w watched) renew(known *metadata.Entity, key string) {
	w.Helper()
	e := w.Renew(w.Context(), known)
	switch {
	case key == "" && e != nil:
		w.Errorf("key %s, want none", subjects(e.Signing))
	case key != "" && (e == nil || strings.Join(subjects(e.Signing), " ") != key):
		w.Errorf("%v, want key %s", e, key)
	}
}

// A key that is new is known as soon as something signed with it comes.
func TestRenew(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		known, err := w.Get(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.publish(with("", renewed()), nil)
		w.takes = time.Second
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { w.renew(known, "renewed") })
		}
		all.Wait()
		w.renew(known, "renewed") // fetched for somebody else
		w.get("renewed")
		w.fetched(2)
		w.logged("metadata has other keys")
	})
}

// Anybody can bring a signature that no key made: it must not have the document
// fetched each time.
func TestRenewIsBounded(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		known, err := w.Get(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.renew(known, "")
		w.fetched(2)
		w.publish(with("", renewed()), nil)
		w.later(time.Minute - 1)
		w.renew(known, "")
		w.fetched(2)
		w.later(1)
		w.renew(known, "renewed")
		w.fetched(3)
	})
}

func TestRenewFails(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		known, err := w.Get(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.publish("", errors.New("connection refused"))
		w.renew(known, "")
		w.renew(known, "")
		w.get("provider") // which serves on
		w.fetched(2)
		w.logged("metadata was not refreshed", "connection refused")

		w.later(time.Minute)
		w.takes = time.Second
		hasty, leave := context.WithTimeout(w.Context(), time.Millisecond)
		defer leave()
		if e := w.Renew(hasty, known); e != nil {
			w.Errorf("got %v", e)
		}
		w.later(time.Second)
	})
}

// A publisher that is down is not hammered by this either.
func TestRenewRests(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		known, err := w.Get(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.publish("", errors.New("connection refused"))
		w.later(time.Hour)
		w.get("provider") // and a refresh in the background
		w.fetched(2)
		w.renew(known, "")
		w.fetched(2)
	})
}

// What the operator wrote is read again with the configuration.
func TestRenewInline(t *testing.T) {
	w, err := metadata.Watch(metadata.Source{Inline: []byte(idp(watchedID)), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	known, err := w.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e := w.Renew(t.Context(), known); e != nil {
		t.Errorf("got %v", e)
	}
}

// Nodes that began together do not refresh together.
func TestRefreshJitter(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		w.get("provider")
		var after []time.Duration
		for range 5 {
			began := time.Now()
			for n := w.count(); w.count() == n; synctest.Wait() {
				w.later(time.Second)
				w.get("provider")
			}
			after = append(after, time.Since(began))
		}
		for _, d := range after[1:] {
			if d != after[0] {
				return
			}
		}
		w.Errorf("always after %v", after[0])
	})
}

func TestCacheDuration(t *testing.T) {
	for _, c := range []struct {
		duration string
		due      time.Duration
	}{
		{"PT10M", 10 * time.Minute},
		{"PT10H", time.Hour},  // which is asked for
		{"PT0S", time.Hour},   // which says nothing
		{"PT1S", time.Minute}, // for each sign-in is too often
		{"-PT1S", time.Hour},
	} {
		watch(t, with(`cacheDuration="`+c.duration+`"`, provider()), nil, func(w watched) {
			w.get("provider")
			w.later(c.due*9/10 - 1)
			w.get("provider")
			w.fetched(1)
			w.later(c.due/10 + 1)
			w.get("provider")
			w.fetched(2)
		})
	}
}

func TestLastGood(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		w.get("provider")
		w.publish("", errors.New("connection refused"))
		w.later(time.Hour)
		w.get("provider")
		w.fetched(2)
		w.logged("level=WARN", "metadata was not refreshed", "connection refused", "entity="+watchedID, "used_until=")

		w.later(time.Minute - 1) // it is not hammered
		w.get("provider")
		w.fetched(2)
		w.later(1)
		w.get("provider")
		w.fetched(3)

		w.later(4*time.Hour - time.Minute - 1)
		w.get("provider")
		w.fetched(4)
		w.later(1) // which makes five hours
		err := w.get("")
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			w.Errorf("%v", err)
		}

		// Now residents wait for it.
		w.publish(with("", renewed()), nil)
		w.later(5*time.Second - 2)
		w.get("")
		w.later(1)
		w.get("renewed")
		w.logged("metadata has other keys")
	})
}

func TestLastGoodNeverPastValidUntil(t *testing.T) {
	// Bubbles begin on the first day of 2000.
	watch(t, with(`validUntil="2000-01-01T02:00:00Z"`, provider()), nil, func(w watched) {
		w.get("provider")
		w.publish("", errors.New("connection refused"))
		w.later(2*time.Hour - 1)
		w.get("provider")
		w.logged("used_until=2000-01-01T02:00:00.000Z")
		w.later(1)
		w.get("")
	})
}

// Nobody has to wait for a pause where nothing has failed.
func TestShortValidity(t *testing.T) {
	watch(t, with(`validUntil="2000-01-01T00:00:02Z"`, provider()), nil, func(w watched) {
		w.get("provider")
		w.publish(with("", renewed()), nil)
		w.later(2 * time.Second)
		w.get("renewed")
	})
}

// Who was idle for longer than KeepLastGood waits for a fresh one.
func TestAfterLongIdle(t *testing.T) {
	watch(t, with("", provider()), nil, func(w watched) {
		w.get("provider")
		w.publish(with("", renewed()), nil)
		w.later(5 * time.Hour)
		w.get("renewed")
	})
}

func TestFirstFetchFails(t *testing.T) {
	watch(t, "", nil, func(w watched) {
		w.publish("", errors.New("connection refused"))
		w.get("")
		w.get("")
		w.later(5*time.Second - 1)
		w.get("")
		w.fetched(1)
		w.publish(with("", provider()), nil)
		w.later(1)
		w.get("provider")
		w.fetched(2)
	})
}

// A document that must not be believed is as good as none.
func TestRefreshedWithWorse(t *testing.T) {
	signed := sign(t, with("", provider()), federation())
	for name, worse := range map[string]string{
		"does not describe": sign(t, idp("https://other.example"), federation()),
		"not signed":        with("", attacker()),
		"signature":         sign(t, with("", attacker()), attacker()),
		"valid until":       sign(t, with(`validUntil="1999-12-31T00:00:00Z"`, renewed()), federation()),
		"not SAML metadata": "<html/>",
		"not https":         sign(t, strings.ReplaceAll(with("", provider()), "https://idp.example/sso", "http://idp.example/sso"), federation()),
	} {
		watch(t, signed, func(s *metadata.Source) { s.Signer = signers(federation()) }, func(w watched) {
			w.get("provider")
			w.publish(worse, nil)
			w.later(time.Hour)
			w.get("provider")
			w.later(time.Second)
			w.get("provider")
			w.fetched(2)
			w.logged("metadata was not refreshed", name)
		})
	}
}

func TestIgnoredKeysAreLogged(t *testing.T) {
	const want = "X509Certificate is not base64"
	broken := strings.Replace(keyInfo(`use="signing"`, provider()), "<X509Certificate>", "<X509Certificate>!", 1)
	document := entity(watchedID, "", `<IDPSSODescriptor `+saml20+`>`+keyInfo("", provider())+broken+`</IDPSSODescriptor>`)
	watch(t, document, nil, func(w watched) {
		w.get("provider")
		w.logged("metadata has keys that cannot be read", want)
	})
	var log bytes.Buffer
	_, err := metadata.Watch(metadata.Source{Inline: []byte(document), Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil || !strings.Contains(log.String(), want) {
		t.Errorf("inline: %v, log: %s", err, &log)
	}
}

// A provider that renews its certificate once a year has to have done so.
func TestExpiryIsLogged(t *testing.T) {
	const want = "last signing certificate expires"
	soon := credentialUntil(time.Date(2000, 2, 28, 0, 0, 0, 0, time.UTC), "provider", ecKey())
	watch(t, with("", soon), nil, func(w watched) { // in January 2000
		w.get("provider")
		w.logged(want)
	})
	next := entity(watchedID, "", `<IDPSSODescriptor `+saml20+`>`+keyInfo(`use="signing"`, soon)+keyInfo(`use="signing"`, provider())+redirectSSO+`</IDPSSODescriptor>`)
	watch(t, next, nil, func(w watched) {
		if _, err := w.Get(w.Context()); err != nil {
			t.Error(err)
		}
		w.logged()
	})
}

// Defaults are six hours and three days.
func TestWatchDefaults(t *testing.T) {
	zero := func(s *metadata.Source) { s.Refresh, s.KeepLastGood = 0, 0 }
	watch(t, with("", provider()), zero, func(w watched) {
		w.get("provider")
		w.later(6*time.Hour*9/10 - 1)
		w.get("provider")
		w.fetched(1)
		w.later(6*time.Hour/10 + 1)
		w.publish("", errors.New("connection refused"))
		w.get("provider")
		w.fetched(2)
		w.later(66*time.Hour - 1)
		w.get("provider")
		w.later(1)
		w.get("")
	})
}
