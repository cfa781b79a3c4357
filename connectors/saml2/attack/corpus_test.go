package attack_test

import (
	"crypto"
	"slices"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// read is what a service provider makes of a document.
func read(d attack.Document, t attack.Target, key crypto.Decrypter) (*message.Facts, error) {
	x := t.Expect(key)
	if d.Demand != nil {
		d.Demand(&x)
	}
	m, err := binding.Read(d.Request(t.ACS, nil), x.Limits)
	if err != nil {
		return nil, err
	}
	return message.Consume(m, x)
}

// Each document ends as it has to: refused for its own reason, or as Alice.
func TestCorpus(t *testing.T) {
	t.Parallel()
	target, key := attack.NewTarget(t)
	for _, d := range attack.Corpus(t, target) {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			facts, err := read(d, target, key)
			switch {
			case err != nil && err.Error() != d.Refusal:
				t.Errorf("refused: %v; want %q", err, d.Refusal)
			case err != nil && quotes(err.Error()):
				t.Errorf("the error quotes the document: %v", err)
			case err == nil && d.Refusal != "":
				t.Errorf("accepted as %q; want it refused: %s", facts.NameID.Value, d.Refusal)
			case err == nil && facts.NameID.Value != attack.Alice:
				t.Errorf("read as %q", facts.NameID.Value)
			}
		})
	}
}

// quotes reports whether an error has words of the attacker or about Alice: it
// goes to the log.
func quotes(s string) bool {
	return slices.ContainsFunc([]string{attack.Alice, attack.Admin, "evil", "other.example", "script", "urn:"}, func(word string) bool {
		return strings.Contains(s, word)
	})
}

// Each reason for which the kit refuses an answer is the end of a document of
// the corpus: a check that is taken away lets one of them through. The reasons
// are read from the sources, so that a new check asks for a document.
func TestEveryReasonHasADocument(t *testing.T) {
	t.Parallel()
	target, key := attack.NewTarget(t)
	var seen []string
	for _, d := range attack.Corpus(t, target) {
		if _, err := read(d, target, key); err != nil {
			seen = append(seen, err.Error())
		}
	}
	reasons := attack.Reasons(t, judges...)
	for reason, pattern := range reasons {
		ends := slices.ContainsFunc(seen, pattern.MatchString)
		switch why := unreachable[reason]; {
		case why == "" && !ends:
			t.Errorf("no document is refused for %q", reason)
		case why != "" && ends:
			t.Errorf("a document is refused for %q, which is said to be impossible: %s", reason, why)
		}
	}
	for reason := range unreachable {
		if reasons[reason] == nil {
			t.Errorf("%q is no reason any more", reason)
		}
	}
}

// judges are the files that judge an answer.
var judges = []string{
	"../binding/binding.go", "../binding/redirect.go",
	"../message/attributes.go", "../message/conditions.go", "../message/consume.go", "../message/facts.go",
	"../message/instant.go", "../message/message.go", "../message/nameid.go", "../message/status.go", "../message/subject.go",
	"../xmlenc/cipher.go", "../xmlenc/decrypt.go",
	"../xmlgate/namespace.go", "../xmlgate/parse.go",
	"../xmlsig/algorithm.go", "../xmlsig/canonical.go", "../xmlsig/verify.go", "../xmlsig/xmlsig.go",
}

// unreachable are the reasons in those files for which no answer can be
// refused, and why.
var unreachable = map[string]string{
	"not an algorithm to sign with": "it is said when signing",
	"deflate: …":                    "it is said when sending",
	"not part of what was signed":   "Within serves others",
	"no Issuer":                     "it is said of requests",
	"no key to verify with":         "an Expect without keys is incomplete",
	"not signed":                    "Consume says what should have been signed",
	"neither an element nor text":   "the gate lets nothing else in",
	"not a character of XML":        "the gate lets nothing else in",
	"canonicalise: …":               "the gate lets in only what has a canonical form",
	"canonicalise SignedInfo: …":    "the gate lets in only what has a canonical form",
	"parse what was signed: …":      "a canonical form passes the gate, too",
	"signature not in ASN.1":        "it is said when signing",
}
