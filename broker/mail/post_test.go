package mail_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/test/mailbox"
)

var letter = mail.Letter{To: "jo@example.org", Subject: "A subject", Body: "A line\n"}

func open(t *testing.T, server config.Mail, log *strings.Builder) *mail.Post {
	t.Helper()
	server.From = "Strathmore Council <no-reply@strathmore.example>"
	post, err := mail.Open(server, log, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return post
}

func TestDeliver(t *testing.T) {
	server := mailbox.Open(t)
	var log strings.Builder
	post := open(t, config.Mail{SMTP: server.Address, TLS: "none"}, &log)
	if err := post.Deliver(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	if got := server.Letters("jo@example.org"); len(got) != 1 || got[0].Subject != "A subject" || !strings.Contains(got[0].Body, "A line") {
		t.Errorf("letters: %v", got)
	}

	// Whoever sends learns why one was refused, and the log does without them.
	for _, tt := range []struct {
		to, saying string
		want       error
	}{
		{"jo@example.org", "550 5.1.1 no jo@example.org here", mail.ErrRefused},
		{"jo@example.org", "551 5.1.6 jo@example.org has moved", mail.ErrRefused},
		{"jo@example.org", "553 jo@example.org is no mailbox", mail.ErrRefused},
		{"no address", "250 ok", mail.ErrRefused},
		{"jo@example.org", "550 5.7.1 no relaying to jo@example.org", mail.ErrNotSent},
		{"jo@example.org", "552 5.2.2 jo@example.org is full", mail.ErrNotSent},
		{"jo@example.org", "530 5.7.0 who are you", mail.ErrNotSent},
		{"jo@example.org", "451 4.7.1 jo@example.org must wait", mail.ErrNotSent},
		{"jo@example.org", "421 4.3.2 going away", mail.ErrNotSent},
	} {
		server.Refuse(tt.saying)
		before := server.Asked()
		err := post.Deliver(t.Context(), mail.Letter{To: tt.to, Subject: "x"})
		if !errors.Is(err, mail.ErrNotSent) || errors.Is(err, mail.ErrRefused) != (tt.want == mail.ErrRefused) {
			t.Errorf("%s: %v", tt.saying, err)
		}
		if strings.Contains(err.Error(), "example.org") || strings.Contains(err.Error(), "no address") {
			t.Errorf("the error names the address: %v", err)
		}
		if asked := server.Asked() - before; tt.want == mail.ErrRefused && asked > 1 {
			t.Errorf("%s: tried %d times", tt.saying, asked)
		}
	}
	if err := post.Send(t.Context(), letter); !errors.Is(err, mail.ErrNotSent) {
		t.Errorf("sent: %v", err)
	}
	if said := log.String(); !strings.Contains(said, "could not be sent: sending SMTP RCPT TO command, status 421") || strings.Contains(said, "example.org") {
		t.Errorf("log: %s", said)
	}
}

// A server without TLS gets nothing, unless the operator says so.
func TestDeliverInsistsOnTLS(t *testing.T) {
	server := mailbox.Open(t)
	var log strings.Builder
	for _, tls := range []string{"starttls", "implicit"} {
		if err := open(t, config.Mail{SMTP: server.Address, TLS: tls}, &log).Deliver(t.Context(), letter); !errors.Is(err, mail.ErrNotSent) {
			t.Errorf("%s: %v", tls, err)
		}
	}
	if got := server.Letters("jo@example.org"); len(got) != 0 {
		t.Errorf("letters: %v", got)
	}
}

func TestTerminal(t *testing.T) {
	var terminal strings.Builder
	if err := open(t, config.Mail{SMTP: "terminal"}, &terminal).Deliver(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	if want := "\n--- mail to jo@example.org: A subject\n\nA line\n---\n\n"; terminal.String() != want {
		t.Errorf("printed %q", &terminal)
	}
}

func TestOpenRefusesAServerWithoutAPort(t *testing.T) {
	if _, err := mail.Open(config.Mail{SMTP: "smtp.example"}, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("opened")
	}
}

func TestWrite(t *testing.T) {
	files := fstest.MapFS{"letters/hello.cy.txt": {Data: []byte("Helo {{.}}\nLlinell\n")}}
	l, err := mail.Write(files, "jo@example.org", "cy", "hello", "Jo")
	if want := (mail.Letter{To: "jo@example.org", Subject: "Helo Jo", Body: "Llinell\n"}); err != nil || l != want {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := mail.Write(files, "", "en", "hello", "Jo"); err == nil {
		t.Error("a letter that there is not was written")
	}
}
