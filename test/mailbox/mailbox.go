// Package mailbox is a mail server for tests, which keeps what it is given.
package mailbox

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server speaks as much of SMTP (RFC 5321) as a client without TLS needs.
type Server struct {
	Address string // host:port

	mu      sync.Mutex
	letters []Letter
	refuse  string            // the answer to every recipient, "" for those that are taken
	answers map[string]string // and to some
	asked   int               // how often somebody was to get a letter
	came    chan struct{}     // closed and replaced at every letter
}

// Letter is a mail.
type Letter struct {
	To, Subject, Body string
}

// Open starts a server that ends with the test.
func Open(tb testing.TB) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Address: l.Addr().String(), came: make(chan struct{}), answers: map[string]string{}}
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

// Refuse has the server refuse every recipient from now on, with what it says to them
// (RFC 5321 §4.2), or none with "".
func (s *Server) Refuse(saying string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = saying
}

// RefuseTo is Refuse for one recipient.
func (s *Server) RefuseTo(to, saying string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[to] = saying
}

// Asked is how often the server was to take a letter.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Letters are those to an address, the oldest first.
func (s *Server) Letters(to string) []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Letter
	for _, l := range s.letters {
		if strings.EqualFold(l.To, to) {
			all = append(all, l)
		}
	}
	return all
}

// Wait returns the letters to an address when there are n of them.
func (s *Server) Wait(tb testing.TB, to string, n int) []Letter {
	tb.Helper()
	late := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		came := s.came
		s.mu.Unlock()
		all := s.Letters(to)
		if len(all) >= n {
			return all
		}
		select {
		case <-came:
		case <-late:
			tb.Fatalf("%d letters came, want %d", len(all), n)
		}
	}
}

var code = regexp.MustCompile(`(?m)^ +(\d{4} \d{4})\r?$`)

// Code is the last code that came to an address.
func (s *Server) Code(tb testing.TB, to string) string {
	tb.Helper()
	s.Wait(tb, to, 1)
	if code := s.LastCode(to); code != "" {
		return code
	}
	tb.Fatal("no letter has a code")
	return ""
}

// LastCode is the last code that came to an address so far, or "".
func (s *Server) LastCode(to string) string {
	for _, letter := range slices.Backward(s.Letters(to)) {
		if found := code.FindStringSubmatch(letter.Body); found != nil {
			return found[1]
		}
	}
	return ""
}

func (s *Server) serve(c net.Conn) {
	defer c.Close()
	text := textproto.NewConn(c)
	_ = text.PrintfLine("220 mailbox")
	var to string
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "RCPT":
			to = strings.Trim(line[strings.IndexByte(line, ':')+1:], " <>")
			err = text.PrintfLine("%s", s.accept(to))
		case "EHLO":
			err = text.PrintfLine("250-mailbox\r\n250 ENHANCEDSTATUSCODES") // RFC 2034
		case "DATA":
			_ = text.PrintfLine("354 go on")
			err = s.keep(to, text)
		case "QUIT":
			_ = text.PrintfLine("221 bye")
			return
		default:
			err = text.PrintfLine("250 mailbox")
		}
		if err != nil {
			return
		}
	}
}

func (s *Server) accept(to string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return cmp.Or(s.answers[to], s.refuse, "250 ok")
}

// What servers say to recipients.
const (
	Nobody = "550 5.1.1 nobody here"
	Later  = "451 4.3.0 come back later"
)

func (s *Server) keep(to string, text *textproto.Conn) error {
	m, err := mail.ReadMessage(bufio.NewReader(text.DotReader()))
	if err != nil {
		return fmt.Errorf("read a mail: %w", err)
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	said, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read a mail: %w", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return fmt.Errorf("read a mail: %w", err)
	}
	s.mu.Lock()
	s.letters = append(s.letters, Letter{To: to, Subject: subject, Body: string(said)})
	close(s.came)
	s.came = make(chan struct{})
	s.mu.Unlock()
	return text.PrintfLine("250 kept")
}
