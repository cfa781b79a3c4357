package council

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/councilid/councilid/config"
)

// post hands letters to a mail server.
type post struct {
	server  config.Mail
	council string
	site    string // the host at which the reader is signing in
	out     io.Writer
	log     *slog.Logger
	desks   chan struct{} // one for each letter on its way
}

const (
	postDesks    = 16               // letters on their way at once
	postTries    = 2                // of handing one over
	postTime     = 10 * time.Second // of a try
	postPatience = 5 * time.Second  // of the resident
)

func openPost(o Options) (*post, error) {
	if o.Mail == nil {
		return nil, errors.New("no server is configured")
	}
	at, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, err
	}
	p := &post{server: *o.Mail, council: o.Name, site: at.Host, out: o.Terminal, log: o.Log, desks: make(chan struct{}, postDesks)}
	if p.terminal() {
		return p, nil
	}
	_, err = p.client()
	return p, err
}

// terminal reports whether letters are printed in place of being sent.
func (p *post) terminal() bool { return p.server.SMTP == "terminal" }

// errPost says that a letter could not be handed over.
var errPost = errors.New("the mail could not be sent")

// send hands a letter over beside the request. It waits for a short while, so
// that the resident can be told of a server that refuses; a server that is slow
// is not waited for, and what comes of it then is logged.
func (p *post) send(ctx context.Context, to address, language, name string, what contents) error {
	done, err := p.start(ctx, to, language, name, what)
	if err != nil {
		return err
	}
	select {
	case err = <-done:
		return err
	case <-time.After(postPatience):
		return nil
	}
}

// start hands a letter over and does not wait. What comes of it is told done.
func (p *post) start(ctx context.Context, to address, language, name string, what contents) (done <-chan error, err error) {
	what.Council, what.Site = p.council, p.site
	l, err := write(to, language, name, what)
	if err != nil {
		return nil, err
	}
	select {
	case p.desks <- struct{}{}:
	default:
		p.log.Warn("a mail was not sent: too many are on their way")
		return nil, errPost
	}
	told := make(chan error, 1)
	go func() {
		defer func() { <-p.desks }()
		told <- p.deliver(context.WithoutCancel(ctx), l)
	}()
	return told, nil
}

// deliver tries to hand the letter over.
func (p *post) deliver(ctx context.Context, l letter) error {
	var err error
	for range postTries {
		if err = p.try(ctx, l); err == nil {
			return nil
		}
	}
	p.log.Warn("a mail could not be sent", "err", reason(err))
	return errPost
}

func (p *post) try(ctx context.Context, l letter) error {
	if p.terminal() {
		_, err := fmt.Fprintf(p.out, "\n--- mail to %s: %s\n\n%s---\n\n", l.To.Text, l.Subject, l.Body)
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
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	return client.DialAndSendWithContext(ctx, m)
}

// client is a connection to the server, not yet opened.
func (p *post) client() (*mail.Client, error) {
	host, number, err := net.SplitHostPort(p.server.SMTP)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(postTime), mail.WithTLSPolicy(mail.TLSMandatory)}
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
func (p *post) message(l letter) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := errors.Join(m.From(p.server.From), m.To(l.To.Text)); err != nil {
		return nil, errPost // the library's error names the address
	}
	m.Subject(l.Subject)
	m.SetMessageID()
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: nobody's absence note answers it
	m.SetBodyString(mail.TypeTextPlain, l.Body)
	return m, nil
}

// reason is what the log may say of err: what servers and the library say names
// the address.
func reason(err error) string {
	if e, ok := errors.AsType[*mail.SendError](err); ok {
		return fmt.Sprintf("%s, status %d", e.Reason, e.ErrorCode())
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return e.Error()
	}
	return "the connection to the mail server did not come about"
}
