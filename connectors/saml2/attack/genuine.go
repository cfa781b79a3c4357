package attack

import (
	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// genuine adds what has to be read as Alice, as it comes from providers of
// different makes.
func (f *forge) genuine() {
	f.accept("assertion signed", f.byAssertion())
	f.accept("response signed", f.byResponse())
	f.accept("both signed", f.byBoth())

	f.accept("default namespaces", unprefixed(f.response(f.sign(unprefixed(f.assertion())))))
	f.accept("default namespaces, response signed", f.sign(unprefixed(f.response(f.assertion()))))
	f.accept("default namespaces, encrypted", unprefixed(f.response(f.encrypted(f.sign(unprefixed(f.assertion()))))))
	for _, prefix := range []string{"", "ds"} {
		name := "signed by goxmldsig, prefix \"" + prefix + "\""
		f.accept(name, f.response(f.signElsewhere(f.assertion(), prefix)))
		f.accept(name+", response signed", f.signElsewhere(f.response(f.assertion()), prefix))
	}
	f.accept("white space between elements", f.byAssertion(spaced))
}

// signElsewhere signs with another library.
func (f *forge) signElsewhere(e *etree.Element, prefix string) *etree.Element {
	f.Helper()
	context, err := dsig.NewSigningContext(f.Provider.Signer, [][]byte{f.Provider.Certificate.Raw})
	if err != nil {
		f.Fatal(err)
	}
	context.Canonicalizer, context.Prefix = exclusive(), prefix
	signature, err := context.ConstructSignature(e, true)
	if err != nil {
		f.Fatal(err)
	}
	after(child(e, "Issuer"), signature)
	return e
}

// unprefixed declares the namespaces of SAML as the default ones, as Entra
// does. What else is inside keeps its prefixes.
func unprefixed(e *etree.Element) *etree.Element {
	space := e.NamespaceURI()
	for _, c := range e.ChildElements() {
		unprefixed(c)
	}
	if space == protocolSpace || space == assertionSpace {
		e.Space = ""
		e.CreateAttr("xmlns", space)
	}
	return e
}
