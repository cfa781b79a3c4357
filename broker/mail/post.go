// Package mail hands letters to a mail server.
package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/councilid/councilid/config"
)

// Post hands letters to a mail server. It may be used by many at once.
type Post struct {
	server config.Mail
	out    io.Writer
	log    *slog.Logger
	desks  chan struct{} // one for each letter on its way
}

const (
	desks    = 16               // letters on their way at once
	tries    = 2                // of handing one over
	tryTime  = 10 * time.Second // of a try
	patience = 5 * time.Second  // of whoever sends
)

// Open returns the post that hands letters to server, and where that is called
// terminal prints them on out. It makes no connection.
func Open(server config.Mail, out io.Writer, log *slog.Logger) (*Post, error) {
	p := &Post{server: server, out: out, log: log, desks: make(chan struct{}, desks)}
	if p.terminal() {
		return p, nil
	}
	_, err := p.client()
	return p, err
}

// terminal reports whether letters are printed in place of being sent.
func (p *Post) terminal() bool { return p.server.SMTP == "terminal" }

var (
	// ErrNotSent says that a letter could not be handed over.
	ErrNotSent = errors.New("the mail could not be sent")

	// ErrRefused is an ErrNotSent of a letter that will never be: its address is none,
	// or the server knows of nobody there.
	ErrRefused = fmt.Errorf("%w: nobody is there", ErrNotSent)
)

// Send hands a letter over beside the request. It waits for a short while, so
// that the resident can be told of a server that refuses; a server that is slow
// is not waited for, and what comes of it then is logged.
func (p *Post) Send(ctx context.Context, l Letter) error {
	done, err := p.Start(ctx, l)
	if err != nil {
		return err
	}
	select {
	case err = <-done:
		return err
	case <-time.After(patience):
		return nil
	}
}

// Start hands a letter over and does not wait. What comes of it is told done.
func (p *Post) Start(ctx context.Context, l Letter) (done <-chan error, err error) {
	select {
	case p.desks <- struct{}{}:
	default:
		p.log.Warn("a mail was not sent: too many are on their way")
		return nil, ErrNotSent
	}
	told := make(chan error, 1)
	go func() {
		defer func() { <-p.desks }()
		err := p.Deliver(context.WithoutCancel(ctx), l)
		if err != nil {
			p.log.Warn("a mail was not sent", "err", err)
		}
		told <- err
	}()
	return told, nil
}

// Deliver hands a letter over and waits for that, however long it takes. The error is
// ErrNotSent, or of those ErrRefused, and says why without naming the address.
func (p *Post) Deliver(ctx context.Context, l Letter) error {
	var err error
	for range tries {
		if err = p.try(ctx, l); err == nil || refused(err) {
			break
		}
	}
	switch {
	case err == nil:
		return nil
	case refused(err):
		return fmt.Errorf("%w: %s", ErrRefused, reason(err))
	}
	return fmt.Errorf("%w: %s", ErrNotSent, reason(err))
}

func (p *Post) try(ctx context.Context, l Letter) error {
	if p.terminal() {
		_, err := fmt.Fprintf(p.out, "\n--- mail to %s: %s\n\n%s---\n\n", l.To, l.Subject, l.Body)
		return err
	}
	m, err := p.message(l)
	if err != nil {
		return err
	}
	client, err := p.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return client.DialAndSendWithContext(ctx, m)
}

// client is a connection to the server, not yet opened.
func (p *Post) client() (*mail.Client, error) {
	host, number, err := net.SplitHostPort(p.server.SMTP)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(tryTime), mail.WithTLSPolicy(mail.TLSMandatory)}
	switch p.server.TLS {
	case "implicit":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if p.server.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(p.server.Username), mail.WithPassword(p.server.Password.Reveal()))
	}
	return mail.NewClient(host, options...)
}

// message is the letter as SMTP carries it.
func (p *Post) message(l Letter) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := errors.Join(m.From(p.server.From), m.To(l.To)); err != nil {
		return nil, ErrRefused // the library's error names the address
	}
	m.Subject(l.Subject)
	m.SetMessageID()
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: nobody's absence note answers it
	m.SetBodyString(mail.TypeTextPlain, l.Body)
	return m, nil
}

// refused reports whether err is of the address, and for good: the server has said
// that there is no such mailbox (RFC 5321 §4.2.3), and not that a rule keeps it from
// taking letters there (RFC 3463 §3.8), which operators may have to see to. That a
// mailbox is full passes.
func refused(err error) bool {
	if errors.Is(err, ErrRefused) {
		return true
	}
	e, ok := errors.AsType[*mail.SendError](err)
	if !ok || e.Reason != mail.ErrSMTPRcptTo || strings.HasPrefix(e.EnhancedStatusCode(), "5.7.") {
		return false
	}
	return e.ErrorCode() == 550 || e.ErrorCode() == 551 || e.ErrorCode() == 553
}

// reason is what the log may say of err: what servers and the library say names
// the address.
func reason(err error) string {
	if errors.Is(err, ErrRefused) {
		return "the address is none"
	}
	if e, ok := errors.AsType[*mail.SendError](err); ok {
		return fmt.Sprintf("%s, status %d", e.Reason, e.ErrorCode())
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return e.Error()
	}
	return "the connection to the mail server did not come about"
}
