package metadata

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// limits bound a document: an aggregate of some thousand entities passes, the
// whole of a national federation does not and has to be asked for by entity.
var limits = xmlgate.Limits{Bytes: 16 << 20, Elements: 400_000, Documents: true}

// Parse reads one entity from a document, checking its signature where signer
// is not nil, and its validUntil, which is after a zero now in any case.
// entityID may be "" where the document has one entity only. A document with
// several is signed as a whole, or each entity is.
func Parse(raw []byte, role Role, entityID string, signer []*x509.Certificate, now time.Time) (*Entity, error) {
	document, err := xmlgate.Parse(raw, limits)
	if err != nil {
		return nil, err
	}
	path, err := pick(document.Element, entityID)
	if err != nil {
		return nil, err
	}
	if signer != nil {
		if path, err = signed(path, entityID, signer); err != nil {
			return nil, err
		}
	}
	entity := path[len(path)-1]
	descriptor, err := find(entity, role)
	if err != nil {
		return nil, err
	}
	e, err := read(entity, descriptor)
	if err == nil {
		err = e.limit(append(path, descriptor), now)
	}
	if err != nil {
		return nil, fmt.Errorf("%q: %w", entity.Attr("entityID"), err)
	}
	return e, nil
}

// pick returns the elements from the document's root down to the one entity
// that is meant.
func pick(root xmlgate.Element, entityID string) ([]xmlgate.Element, error) {
	if !root.Is(md, "EntityDescriptor") && !root.Is(md, "EntitiesDescriptor") {
		return nil, errors.New("the document is not SAML metadata")
	}
	all := paths(nil, root)
	meant := slices.DeleteFunc(slices.Clone(all), func(p []xmlgate.Element) bool {
		return entityID != "" && p[len(p)-1].Attr("entityID") != entityID
	})
	switch {
	case len(meant) == 1:
		return meant[0], nil
	case len(meant) > 1 && entityID != "":
		return nil, fmt.Errorf("the document describes %q %d times", entityID, len(meant))
	case len(meant) > 1:
		return nil, fmt.Errorf("the document describes %s: say which is meant", names(all))
	}
	return nil, fmt.Errorf("the document does not describe %q but %s", entityID, names(all))
}

// paths lists the entities of a document, each as the elements that lead to it.
func paths(above []xmlgate.Element, e xmlgate.Element) [][]xmlgate.Element {
	path := append(slices.Clone(above), e)
	if e.Is(md, "EntityDescriptor") {
		return [][]xmlgate.Element{path}
	}
	var all [][]xmlgate.Element
	for _, child := range e.Children("", "") {
		if child.Is(md, "EntityDescriptor") || child.Is(md, "EntitiesDescriptor") {
			all = append(all, paths(path, child)...)
		}
	}
	return all
}

// names lists what a document has, for the error that tells the operator.
func names(all [][]xmlgate.Element) string {
	const some = 5
	var ids []string
	for _, p := range all[:min(some, len(all))] {
		ids = append(ids, fmt.Sprintf("%q", p[len(p)-1].Attr("entityID")))
	}
	switch {
	case len(all) == 0:
		return "nothing"
	case len(all) > some:
		return fmt.Sprintf("%s and %d more", strings.Join(ids, ", "), len(all)-some)
	}
	return strings.Join(ids, ", ")
}

// signed returns the path as the signer vouches for it: below a signed root,
// or down to an entity that is signed itself. A bad signature of the root is
// not made good by one of the entity.
func signed(path []xmlgate.Element, entityID string, signer []*x509.Certificate) ([]xmlgate.Element, error) {
	verified, err := xmlsig.Verify(path[0], signer, xmlsig.Policy{})
	if err == nil {
		return pick(verified.Element(), entityID)
	}
	if !errors.Is(err, xmlsig.ErrUnsigned) || len(path) == 1 {
		return nil, fmt.Errorf("the document's signature: %w", err)
	}
	verified, err = xmlsig.Verify(path[len(path)-1], signer, xmlsig.Policy{})
	if err != nil {
		return nil, fmt.Errorf("the entity's signature: %w", err)
	}
	// What is above is not vouched for, and can only shorten the validity.
	return append(path[:len(path)-1], verified.Element()), nil
}

// find returns the entity's first descriptor of the role that speaks SAML 2.0.
func find(entity xmlgate.Element, role Role) (xmlgate.Element, error) {
	var others []string
	for _, d := range entity.Children("", "") {
		speaks := slices.Contains(strings.Fields(d.Attr("protocolSupportEnumeration")), protocol)
		if speaks && d.Is(md, role.descriptor()) {
			return d, nil
		}
		if name := d.Tree().Tag; strings.HasSuffix(name, "Descriptor") {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		others = []string{"none"}
	}
	return xmlgate.Element{}, fmt.Errorf("%q is not a SAML 2.0 %s: its roles are %s",
		entity.Attr("entityID"), role, strings.Join(others, ", "))
}

// limit sets how long the entity is valid and may be kept: as long as each of
// the elements that it stands in says (Metadata §2.3.1, §2.3.2, §2.4.1).
func (e *Entity) limit(path []xmlgate.Element, now time.Time) error {
	for _, p := range path {
		if err := e.shorten(p.Attr("validUntil"), p.Attr("cacheDuration")); err != nil {
			return err
		}
	}
	return e.valid(now)
}

func (e *Entity) shorten(validUntil, cacheDuration string) error {
	if validUntil != "" {
		var t saml.RelaxedTime
		if err := t.UnmarshalText([]byte(validUntil)); err != nil {
			return errors.New("validUntil is not a date")
		}
		if until := time.Time(t); e.ValidUntil.IsZero() || until.Before(e.ValidUntil) {
			e.ValidUntil = until
		}
	}
	if cacheDuration != "" {
		var d saml.Duration
		if err := d.UnmarshalText([]byte(cacheDuration)); err != nil {
			return errors.New("cacheDuration is not a duration")
		}
		if keep := time.Duration(d); e.CacheDuration == 0 || keep < e.CacheDuration {
			e.CacheDuration = keep
		}
	}
	return nil
}

// valid refuses an entity whose validUntil has passed.
func (e *Entity) valid(now time.Time) error {
	if !e.ValidUntil.IsZero() && !now.Before(e.ValidUntil) {
		return fmt.Errorf("the metadata was valid until %s", e.ValidUntil.Format(time.RFC3339))
	}
	return nil
}
