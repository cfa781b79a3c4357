package xmlgate_test

import (
	"testing"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

func parse(t *testing.T, document string) xmlgate.Element {
	t.Helper()
	u, err := xmlgate.Parse([]byte(document), xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return u.Element
}

func TestElementReadsByNamespace(t *testing.T) {
	e := parse(t, `<p:a xmlns:p="urn:p" xmlns:q="urn:q" q:ID="not this" ID="this">`+
		`<q:b>not this</q:b><b>nor this</b><p:b>this</p:b><p:b>or this</p:b></p:a>`)
	if !e.Is("urn:p", "a") || e.Is("urn:q", "a") || e.Is("", "a") || e.Is("urn:p", "b") {
		t.Error("an element's name is not its own")
	}
	if got, want := e.Attr("ID"), "this"; got != want {
		t.Errorf("ID is %q, want %q", got, want)
	}
	if got := e.Attr("none"); got != "" {
		t.Errorf("an attribute that is not there is %q", got)
	}
	if got, want := e.Child("urn:p", "b").Text(), "this"; got != want {
		t.Errorf("child is %q, want %q", got, want)
	}
	if got, want := len(e.Children("urn:p", "b")), 2; got != want {
		t.Errorf("%d children of the name, want %d", got, want)
	}
	if got, want := len(e.Children("", "")), 4; got != want {
		t.Errorf("%d children, want %d", got, want)
	}
	if e.Child("urn:p", "none").Exists() {
		t.Error("found a child that is not there")
	}
}

func TestText(t *testing.T) {
	for document, want := range map[string]string{
		`<a/>`:                                    "",
		"<a>\n\t alice \r\n</a>":                  "alice",
		`<a>admin<![CDATA[.evil]]></a>`:           "admin.evil",
		`<a>admin<b/>.evil</a>`:                   "",
		"<a>\u00a0alice\u2003</a>":                "\u00a0alice\u2003", // XML's white space is ASCII
		`<a>&#97;&#x64;<![CDATA[]]>min</a>`:       "admin",
		`<a><![CDATA[ <b>not a child</b> ]]></a>`: "<b>not a child</b>",
	} {
		if got := parse(t, document).Text(); got != want {
			t.Errorf("%s: got %q, want %q", document, got, want)
		}
	}
}

func TestZeroElement(t *testing.T) {
	var none xmlgate.Element
	if none.Exists() || none.Is("", "") || none.Attr("a") != "" || none.Text() != "" ||
		none.Children("", "") != nil || none.Child("", "a").Exists() || none.Tree() != nil {
		t.Error("the zero Element is something")
	}
}

// What is written must be read the same, or a signature over it is lost.
func TestBytesCanBeRead(t *testing.T) {
	e := etree.NewElement("a")
	e.CreateAttr("b", `<"&'>`)
	e.SetText("x\r\n\t<&>\"'")
	got := parse(t, string(xmlgate.Bytes(e)))
	if got.Attr("b") != `<"&'>` || got.Tree().Text() != e.Text() {
		t.Errorf("got %q %q", got.Attr("b"), got.Tree().Text())
	}
}
