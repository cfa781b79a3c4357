package store_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/store"
)

func TestHandle(t *testing.T) {
	h := store.NewHandle()
	if got, ok := store.ParseHandle(h.String()); !ok || got != h {
		t.Errorf("got %v, %v, want %v", got, ok, h)
	}
	if s := h.String(); url.QueryEscape(s) != s || len(s) > 80 { // SAML Bindings §3.4.3: RelayState
		t.Errorf("%q does not travel well", s)
	}
	sibling, stranger := h.Sibling(), store.NewHandle()
	if sibling.Tag != h.Tag || sibling.Secret == h.Secret {
		t.Errorf("sibling of %v is %v", h, sibling)
	}
	if stranger.Tag == h.Tag || stranger.Secret == h.Secret || h.Tag == h.Secret {
		t.Errorf("%v and %v are not random", h, stranger)
	}
}

func TestParseHandleRefuses(t *testing.T) {
	text := strings.Repeat("A", 26)
	for _, s := range []string{
		"", ".", text, text + ".", "." + text, text + text,
		text + "." + text + ".", text + "." + text + "." + text, text + "." + text + "A",
		text[1:] + "." + text, text + "." + text[1:],
		strings.ToLower(text) + "." + text, text + ".1" + text[1:], text + ".}" + text[1:],
		" " + text + "." + text, text + "." + text + "\n", text + "." + strings.Repeat("é", 13),
	} {
		if h, ok := store.ParseHandle(s); ok || h != (store.Handle{}) {
			t.Errorf("%q: got %v, %v", s, h, ok)
		}
	}
}

func TestRef(t *testing.T) {
	h := store.NewHandle()
	if strings.Contains(h.Ref(), h.Secret) {
		t.Errorf("%s holds the secret of %s", h.Ref(), h)
	}
	found, ok := store.ParseRef(h.Ref())
	if !ok || found.Ref() != h.Ref() || found.Tag != h.Tag {
		t.Errorf("%s became %v, %v", h.Ref(), found, ok)
	}
	for _, s := range []string{h.Ref(), found.String()} {
		if got, ok := store.ParseHandle(s); ok {
			t.Errorf("%s is the handle %v", s, got)
		}
	}
	if got, ok := store.ParseRef(h.String()); ok {
		t.Errorf("the handle %s is the ref of %v", h, got)
	}
}

func TestParseRefRefuses(t *testing.T) {
	text, hash := strings.Repeat("A", 26), strings.Repeat("A", 22)
	for _, s := range []string{
		"", ".", text, text + ".", "." + hash, text + "." + hash + ".", text + "." + hash[1:], text + "." + hash + "A",
		text[1:] + "." + hash, text + "." + hash[1:] + "B", text + ".}" + hash[1:], text + "." + hash[1:] + "\n", text + ".+" + hash[1:],
	} {
		if h, ok := store.ParseRef(s); ok || h != (store.Handle{}) {
			t.Errorf("%q: got %v, %v", s, h, ok)
		}
	}
}

func FuzzParseHandle(f *testing.F) {
	f.Add(store.NewHandle().String())
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, s string) {
		if h, ok := store.ParseHandle(s); ok && h.String() != s {
			t.Errorf("%q became %q", s, h)
		}
	})
}
