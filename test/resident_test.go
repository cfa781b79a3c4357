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

	"github.com/councilid/councilid/test/servers"
)

// Residents' own pages in Chromium. COUNCILID_TEST_SHOTS names a folder for
// screenshots.
func TestResidentBrowser(t *testing.T) {
	t.Parallel()
	chromium := servers.Program(t, "chromium", "chromium")
	for _, tt := range []struct{ name, width, script string }{
		{"desktop", "1280", "script"},
		{"phone", "360", "script"},
		{"400% zoom", "320", "script"}, // of 1280, WCAG 2.2 §1.4.10
		{"without JavaScript", "1280", "noscript"},
		{"phone without JavaScript", "360", "noscript"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			letters := &letters{}
			site := openDemoWith(t, letters)
			codes := httptest.NewServer(letters)
			t.Cleanup(codes.Close)
			node(t, []string{"CHROMIUM=" + chromium}, "resident_browser.mjs", site.URL("council-tax"), site.URL("library"), site.URL("broker"),
				codes.URL, os.Getenv("COUNCILID_TEST_SHOTS"), tt.width, tt.script)
		})
	}
}

// letters are the mails that a broker prints. It answers with the last code in
// them.
type letters struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *letters) Write(mail []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(mail)
}

var sixDigits = regexp.MustCompile(`(?m)^ +(\d{6})$`)

func (l *letters) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if codes := sixDigits.FindAllStringSubmatch(l.text.String(), -1); codes != nil {
		fmt.Fprint(w, codes[len(codes)-1][1])
	}
}
