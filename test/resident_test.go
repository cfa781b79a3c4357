package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/test/servers"
)

// Residents' own pages in Chromium. COUNCILID_TEST_SHOTS names a folder for
// screenshots.
func TestResidentBrowser(t *testing.T) {
	t.Parallel()
	chromium := servers.Program(t, "chromium", "chromium")
	for _, tt := range []struct{ name, width, script string }{
		{"desktop", "1280", "script"},
		{"phone without JavaScript", "360", "noscript"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			letters := &letters{came: make(chan struct{})}
			site := openDemoWith(t, letters)
			codes := httptest.NewServer(letters)
			t.Cleanup(codes.Close)
			node(t, []string{"CHROMIUM=" + chromium}, "resident_browser.mjs", site.URL("council-tax"), site.URL("library"), site.URL("broker"),
				codes.URL, os.Getenv("COUNCILID_TEST_SHOTS"), tt.width, tt.script)
			// Of what was done there the resident hears by mail.
			letters.wait(t, "mail to ally@example.org: Something was changed in your account")
			letters.wait(t, "it was asked that your council account be deleted")
		})
	}
}

// letters are the mails that a broker prints. It answers with the last code in
// them.
type letters struct {
	mu   sync.Mutex
	text strings.Builder
	came chan struct{} // closed and replaced at every mail
}

func (l *letters) Write(mail []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.came)
	l.came = make(chan struct{})
	return l.text.Write(mail)
}

// wait waits until the letters say something.
func (l *letters) wait(t *testing.T, what string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		l.mu.Lock()
		said, came := strings.Contains(l.text.String(), what), l.came
		l.mu.Unlock()
		if said {
			return
		}
		select {
		case <-came:
		case <-late:
			t.Fatalf("no letter says %q", what)
		}
	}
}

var codeLine = regexp.MustCompile(`(?m)^ +(\d{4} \d{4})$`)

func (l *letters) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if codes := codeLine.FindAllStringSubmatch(l.text.String(), -1); codes != nil {
		fmt.Fprint(w, codes[len(codes)-1][1])
	}
}
