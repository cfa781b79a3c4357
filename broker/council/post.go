package council

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"text/template"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/councilid/councilid/config"
)

//go:embed letters/*.txt
var letterFiles embed.FS

// contents are what a letter is about: letters/NAME.LANGUAGE.txt, whose first
// line is its subject.
type contents struct {
	Code    string // to be typed
	Minutes int    // for how long
	What    string // what was changed

	Council, Site string // who writes
}

// post hands letters to a mail server. A letter has no links: whoever gets used
// to following those that come with codes follows a thief's one day.
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
	m, err := p.write(to, language, name, what)
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
		told <- p.deliver(context.WithoutCancel(ctx), m)
	}()
	return told, nil
}

// deliver tries to hand m over.
func (p *post) deliver(ctx context.Context, m *mail.Msg) error {
	var err error
	for range postTries {
		if err = p.try(ctx, m); err == nil {
			return nil
		}
	}
	p.log.Warn("a mail could not be sent", "err", reason(err))
	return errPost
}

func (p *post) try(ctx context.Context, m *mail.Msg) error {
	if p.terminal() {
		_, err := fmt.Fprintf(p.out, "\n--- mail ---\n%s--- end of mail ---\n\n", printed(m))
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

// write makes the letter.
func (p *post) write(to address, language, name string, what contents) (*mail.Msg, error) {
	what.Council, what.Site = p.council, p.site
	t, err := template.ParseFS(letterFiles, "letters/"+name+"."+language+".txt")
	if err != nil {
		return nil, fmt.Errorf("write a letter: %w", err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, what); err != nil {
		return nil, fmt.Errorf("write a letter: %w", err)
	}
	subject, body, _ := bytes.Cut(text.Bytes(), []byte("\n"))
	m := mail.NewMsg()
	if err := errors.Join(m.From(p.server.From), m.To(to.Text)); err != nil {
		return nil, errPost // the library's error names the address
	}
	m.Subject(string(subject))
	m.SetMessageID()
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: nobody's absence note answers it
	m.SetBodyString(mail.TypeTextPlain, string(bytes.TrimLeft(body, "\n")))
	return m, nil
}

// printed is m for a terminal.
func printed(m *mail.Msg) string {
	var body []byte
	for _, part := range m.GetParts() {
		if content, err := part.GetContent(); err == nil {
			body = append(body, content...)
		}
	}
	return fmt.Sprintf("To: %s\nSubject: %s\n\n%s", m.GetToString(), m.GetGenHeader(mail.HeaderSubject), body)
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
