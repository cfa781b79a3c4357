package council_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

func TestMailOnTheTerminal(t *testing.T) {
	b := open(t, "")
	var terminal strings.Builder
	w := b.browser()
	o := b.ways[0].Options
	var err error
	o.Post, err = mail.Open(config.Mail{SMTP: "terminal", From: "Strathmore Council <no-reply@strathmore.example>"}, &terminal, o.Log)
	b.must(err)
	printing, err := council.Open(o)
	b.must(err)
	b.mount(printing)
	_, p := w.start(connectors.Attempt{})
	w.submit(p, "send", map[string]string{"address": "jo@example.org"})
	for _, want := range []string{"mail to jo@example.org: Your code to sign in to Strathmore Council\n\nYour code is\n"} {
		if !strings.Contains(terminal.String(), want) {
			t.Errorf("printed without %q: %s", want, &terminal)
		}
	}
}

// The letters tell of every change that there is, in every language.
func TestLettersTellOfEveryChange(t *testing.T) {
	pages, err := os.ReadFile("../web/council.go")
	if err != nil {
		t.Fatal(err)
	}
	changes := regexp.MustCompile(`(?m)^\tDone\w+ += "([a-z_]+)"`).FindAllStringSubmatch(string(pages), -1)
	files, err := filepath.Glob("letters/changed.*.txt")
	if err != nil || len(files) != 3 || len(changes) == 0 {
		t.Fatalf("%d letters, %d changes, %v", len(files), len(changes), err)
	}
	for _, file := range files {
		letter, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range changes {
			if !strings.Contains(string(letter), `eq .What "`+change[1]+`"`) {
				t.Errorf("%s does not tell of %s", file, change[1])
			}
		}
	}
}

// Where codes do not sign in, they are for those who have nothing else.
func TestCodesOff(t *testing.T) {
	b := open(t, "council: {email_codes: false}\n")
	b.browser().signIn("new@example.org")
	b.browser().signIn("new@example.org")
	b.withPasskey(b.newDevice(), "jo@example.org")
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	if p = w.byCode(p, "jo@example.org"); !strings.Contains(p.body, "A code alone is not enough here") {
		t.Errorf("%d at %s", p.status, p.at)
	}
}

// What was wrong is said on the page that it is about, and not later.
func TestProblemsStayOnTheirPage(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	p = w.submit(p, "send", map[string]string{"address": "jo@example.org"})
	p = w.submit(p, "check", map[string]string{"code": "wrong"})
	if !strings.Contains(p.body, "<title>Error:") {
		t.Fatalf("%d at %s", p.status, p.at)
	}
	if p = w.get(w.link(p, "other")); strings.Contains(p.body, "<title>Error:") {
		t.Error("the next page says what was wrong on the last one")
	}
}

// A broker without passkeys says nothing of them.
func TestNoPasskeys(t *testing.T) {
	b := open(t, "council: {passkeys: false}\n")
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	if strings.Contains(p.body, "passkey") {
		t.Error("the page speaks of passkeys")
	}
	if p = w.byCode(p, "jo@example.org"); !strings.HasPrefix(p.at.Path, "/callback") {
		t.Errorf("%d at %s", p.status, p.at)
	}
}
