package binding_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

func TestReadRedirect(t *testing.T) {
	good := url.QueryEscape(base64ed(deflated(t, message)))
	bomb := url.QueryEscape(base64ed(deflated(t, "<a>"+strings.Repeat("x", 65<<10)+"</a>")))
	for _, tt := range []struct{ name, query, want string }{
		{"a request", "SAMLRequest=" + good, ""},
		{"a response", "SAMLResponse=" + good + "&RelayState=a+b%20c", ""},
		{"lower-case escapes", "SAMLRequest=" + strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d").Replace(good), ""}, // .NET
		{"the encoding named", "SAMLRequest=" + good + "&SAMLEncoding=urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Abindings%3AURL-Encoding%3ADEFLATE", ""},
		{"the encoding named in lower case", "SAMLRequest=" + good + "&SAMLEncoding=urn%3aoasis%3anames%3atc%3aSAML%3a2.0%3abindings%3aURL-Encoding%3aDEFLATE", ""},
		{"zeros behind", "SAMLRequest=" + url.QueryEscape(base64ed(deflated(t, message)+"\x00\x00\x00")), ""}, // ITfoxtec

		{"another encoding", "SAMLRequest=" + good + "&SAMLEncoding=none", "encoding not known"},
		{"an encoding badly escaped", "SAMLRequest=" + good + "&SAMLEncoding=%", "encoding not known"},
		{"nothing", "", "no message"},
		{"both", "SAMLRequest=" + good + "&SAMLResponse=" + good, "both a request and a response"},
		{"twice", "SAMLRequest=" + good + "&SAMLRequest=" + good, "query with a parameter that comes twice"},
		{"RelayState twice", "SAMLRequest=" + good + "&RelayState=a&RelayState=b", "query with a parameter that comes twice"},
		{"RelayState badly escaped", "SAMLRequest=" + good + "&RelayState=%zz", "RelayState not well escaped or too long"},
		{"a long RelayState", "SAMLRequest=" + good + "&RelayState=" + strings.Repeat("x", 2049), "RelayState not well escaped or too long"},
		{"badly escaped", "SAMLRequest=%zz", "message not well escaped"},
		{"not base64", "SAMLRequest=%2A", "message not in base64"},
		{"not deflated", "SAMLRequest=" + url.QueryEscape(base64ed(message)), "message not deflated"},
		{"cut off", "SAMLRequest=" + url.QueryEscape(base64ed(deflated(t, message)[:40])), "message not deflated"},
		{"a bomb", "SAMLRequest=" + bomb, "document too long"},
		{"not XML", "SAMLRequest=" + url.QueryEscape(base64ed(deflated(t, "x"))), "text outside the root element"},
	} {
		t.Run(tt.name, func(t *testing.T) { refused(t, get(tt.query), tt.want) })
	}
	// However much the caller would read.
	if _, err := binding.Read(get("SAMLRequest="+bomb), xmlgate.Limits{Bytes: 8 << 20}); err == nil || err.Error() != "document too long" {
		t.Errorf("a bomb and a large limit: %v", err)
	}
}

// Nobody has something inflated by us who cannot sign.
func TestReceiveThenVerifyInflatesLast(t *testing.T) {
	key, stranger := credential(t), credential(t)
	keys := []*x509.Certificate{key.Certificate}
	query := func(value string, c xmlsig.Credential) *http.Request {
		signed, err := xmlsig.SignQuery("SAMLRequest="+url.QueryEscape(base64ed(value))+"&RelayState=r", c, xmlsig.RSASHA256)
		if err != nil {
			t.Fatal(err)
		}
		return get(signed)
	}
	for _, tt := range []struct {
		name, want string
		r          *http.Request
	}{
		{"signed", "<nil>", query(deflated(t, message), key)},
		{"signed, not deflated", "message not deflated", query("x", key)},
		{"signed by somebody else, not deflated", "signature does not match", query("x", stranger)},
		{"not signed, not deflated", "not signed", get("SAMLRequest=" + url.QueryEscape(base64ed("x")))},
		{"not signed, by POST", "not signed", post("/", "SAMLRequest="+url.QueryEscape(base64ed(message)))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := binding.Receive(tt.r, xmlgate.Limits{})
			if err != nil || m.Message.Exists() != (m.Binding == binding.POST) {
				t.Fatalf("got %+v, %v", m, err)
			}
			v, err := m.Verify(keys, xmlsig.Policy{})
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if err == nil && (m.RelayState != "r" || v.Element().Attr("ID") != "m1") {
				t.Errorf("got %+v, %+v", m, v)
			}
		})
	}
}

// Inflating stops where the limit is, not where the memory ends.
func TestReadRedirectStopsInflating(t *testing.T) {
	r := get("SAMLRequest=" + url.QueryEscape(base64ed(deflated(t, strings.Repeat("x", 20<<20)))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	refused(t, r, "document too long")
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 2<<20 {
		t.Errorf("%d bytes allocated", allocated)
	}
}

func TestRedirectURLThenRead(t *testing.T) {
	key := credential(t)
	for _, tt := range []struct{ to, state, prefix string }{
		{"https://idp.example/sso", "", "https://idp.example/sso?SAMLRequest="},
		{"https://idp.example/sso?tenant=1", "a b&SigAlg=x", "https://idp.example/sso?tenant=1&SAMLRequest="},
	} {
		address, err := binding.RedirectURL(tt.to, binding.Request, element(t, message), tt.state, key, xmlsig.RSASHA256)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(address, tt.prefix) || strings.Contains(address, "RelayState") != (tt.state != "") {
			t.Errorf("got %s", address)
		}
		m, err := binding.Read(httptest.NewRequest(http.MethodGet, address, nil), xmlgate.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if m.Binding != binding.Redirect || m.Parameter != binding.Request || m.RelayState != tt.state {
			t.Errorf("got %s %s %q", m.Binding, m.Parameter, m.RelayState)
		}
		verified, err := m.Verify([]*x509.Certificate{key.Certificate}, xmlsig.Policy{})
		if err != nil || verified.Element().Attr("ID") != "m1" {
			t.Errorf("got %v", err)
		}
	}
	if _, err := binding.RedirectURL("https://idp.example", binding.Request, element(t, message), "", key, xmlsig.RSASHA1); err == nil {
		t.Error("signed with SHA-1")
	}
}

func TestRedirectWithoutSigner(t *testing.T) {
	address, err := binding.RedirectURL("https://idp.example/sso", binding.Request, element(t, message), "r", xmlsig.Credential{}, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := binding.Read(httptest.NewRequest(http.MethodGet, address, nil), xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Verify(nil, xmlsig.Policy{}); !errors.Is(err, xmlsig.ErrUnsigned) {
		t.Errorf("got %v", err)
	}
}

// FuzzRead looks for a query that cannot be sent on as it was read.
func FuzzRead(f *testing.F) {
	address, err := binding.RedirectURL("/", binding.Request, element(f, message), "a b", credential(f), xmlsig.RSASHA256)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(address[2:])
	f.Add("SAMLResponse=" + url.QueryEscape(base64ed(deflated(f, message)+"\x00")) + "&SAMLEncoding=x")
	f.Add("SAMLRequest=%2B&Relay%53tate=a+b%20c")
	f.Fuzz(func(t *testing.T, query string) {
		read := func(query string) (binding.Received, error) {
			return binding.Read(&http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query}}, xmlgate.Limits{})
		}
		m, err := read(query)
		if err != nil {
			return
		}
		address, err := binding.RedirectURL("/", m.Parameter, m.Message.Tree(), m.RelayState, xmlsig.Credential{}, "")
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(address[2:])
		if err != nil {
			return // longer than it was
		}
		if again.Parameter != m.Parameter || again.RelayState != m.RelayState ||
			string(xmlgate.Bytes(again.Message.Tree())) != string(xmlgate.Bytes(m.Message.Tree())) {
			t.Errorf("read %+v, then %+v", m, again)
		}
	})
}
