package attack

import (
	"bytes"
	"compress/flate"
	"net/url"
	"strings"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// forms adds what is wrong with how an answer comes.
func (f *forge) forms() {
	genuine := xmlgate.Bytes(f.byAssertion())
	field := func(raw []byte) string { return "SAMLResponse=" + url.QueryEscape(encode(raw)) }
	post := func(name, refusal, body string) { f.add(Document{Name: name, Refusal: refusal, Body: body}) }
	twice := "form with a parameter that comes twice or in the address"
	post("response twice in the form", twice, field(genuine)+"&"+field(genuine))
	post("RelayState twice in the form", twice, field(genuine)+"&RelayState=a&RelayState=b")
	post("a request beside the response", "both a request and a response", field(genuine)+"&SAMLRequest=x")
	post("no response in the form", "no message", "x=y")
	post("form badly escaped", "form not well encoded", "SAMLResponse=%zz")
	post("response is no base64", "message not in base64", "SAMLResponse=*")
	post("response in base64 broken into lines", "", "SAMLResponse="+url.QueryEscape(lines(encode(genuine))))
	post("1 MiB of base64 junk", "not well-formed XML in line 1", field(bytes.Repeat([]byte("<"), 1<<20)))
	post("RelayState of 3 KiB", "RelayState too long", field(genuine)+"&RelayState="+strings.Repeat("a", 3<<10))

	get := func(name, refusal, query string) { f.add(Document{Name: name, Refusal: refusal, Query: query}) }
	deflated := func(raw []byte) string { return "SAMLResponse=" + url.QueryEscape(encode(deflate(raw))) }
	get("response by redirect", "response by redirect", deflated(genuine))
	get("deflate bomb", "document too long", deflated(bytes.Repeat([]byte(" "), 50<<20)))
	get("deflated nonsense", "message not deflated", "SAMLResponse="+url.QueryEscape(encode([]byte("\xff\xff"))))
	get("response twice in the query", "query with a parameter that comes twice", deflated(genuine)+"&"+deflated(genuine))
	get("response badly escaped", "message not well escaped", "SAMLResponse=%zz")
	get("RelayState badly escaped", "RelayState not well escaped or too long", deflated(genuine)+"&RelayState=%zz")
	get("encoding that is not known", "encoding not known", deflated(genuine)+"&SAMLEncoding=urn:x")
}

func lines(s string) string {
	var broken []string
	for len(s) > 76 {
		broken, s = append(broken, s[:76]), s[76:]
	}
	return strings.Join(append(broken, s), "\r\n")
}

func deflate(raw []byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(raw); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}
