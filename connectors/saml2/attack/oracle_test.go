package attack_test

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/message"
)

// Whatever we accept, crewjam/saml reads as the same person, or not at all for
// a reason that is known. A document that two readers take for two people is
// how all of this goes wrong.
//
// The test is not parallel, as crewjam's clock is a global.
func TestCrewjamReadsTheSamePerson(t *testing.T) {
	target, key := attack.NewTarget(t)
	clock := saml.TimeNow
	t.Cleanup(func() { saml.TimeNow = clock })
	saml.TimeNow = func() time.Time { return target.Now }
	for _, d := range attack.Corpus(t, target) {
		// For long ones crewjam takes seconds, and then it panics.
		if d.Refusal != "" || d.XML == nil || len(d.XML) > 200<<10 {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			x := target.Expect(key)
			if d.Demand != nil {
				d.Demand(&x)
			}
			person, err := crewjam(t, x, key.(*rsa.PrivateKey), d.XML)
			why, known := lacking[d.Name]
			switch {
			case err == nil && person != attack.Alice:
				t.Errorf("crewjam reads %q", person)
			case err != nil && !known:
				t.Errorf("crewjam refuses: %v", err)
			case err == nil && known:
				t.Errorf("crewjam accepts what it is said to refuse: %s", why)
			}
		})
	}
}

// lacking is what crewjam/saml refuses or panics at, and why.
var lacking = map[string]string{
	"SignatureValue indented":                                     "goxmldsig cannot decode it",
	"attacker's certificate in KeyInfo, the provider's signature": "goxmldsig believes KeyInfo",
	"signed with ecdsa-sha256":                                    "goxmldsig wants ASN.1",
	"signed with ecdsa-sha384":                                    "goxmldsig wants ASN.1",
	"signed with ecdsa-sha512":                                    "goxmldsig wants ASN.1",
	"two keys and no KeyInfo":                                     "crewjam tries several keys only where KeyInfo has one",
	"expired certificate":                                         "goxmldsig insists on the certificate's time",
	"rsa-pss-sha256":                                              "goxmldsig has no PSS",
	"1,100 groups":                                                "goxmldsig gives up after 1,000 elements and crewjam panics",
	"1,100 groups, response signed":                               "as above",
	"1,100 groups, encrypted":                                     "as above",
	"encrypted with aes256-gcm":                                   "crewjam has only AES-128-GCM",
	"encrypted under rsa-oaep":                                    "crewjam has only AES-128-GCM",
	"EncryptedKey for somebody else in front":                     "crewjam tries the first EncryptedKey",
	"EncryptedID":                                                 "crewjam does not decrypt it",
	"assertion made 100 seconds ago":                              "crewjam takes 90 seconds for all there may be",
	"assertion made 100 seconds ago, response signed":             "as above",
	"one confirmation of two fits":                                "crewjam wants every one to fit",
	"one confirmation of two fits, response signed":               "as above",
	"Conditions without times":                                    "crewjam reads no time as long ago",
	"Conditions without times, response signed":                   "as above",
	"two Audiences, ours first":                                   "crewjam reads the last one",
	"two Audiences, ours first, response signed":                  "as above",
}

// crewjam is who crewjam's service provider takes a response to be about.
func crewjam(t *testing.T, x message.Expect, key *rsa.PrivateKey, response []byte) (person string, err error) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	acs, err := url.Parse(x.ACS)
	if err != nil {
		t.Fatal(err)
	}
	var keys []saml.KeyDescriptor
	for _, k := range x.Keys {
		keys = append(keys, saml.KeyDescriptor{Use: "signing", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{
			X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(k.Raw)}},
		}}})
	}
	var role saml.IDPSSODescriptor
	role.KeyDescriptors = keys
	sp := saml.ServiceProvider{
		EntityID: x.Audience, AcsURL: *acs, Key: key, AllowIDPInitiated: x.Unsolicited,
		IDPMetadata: &saml.EntityDescriptor{EntityID: x.Issuer, IDPSSODescriptors: []saml.IDPSSODescriptor{role}},
	}
	a, err := sp.ParseXMLResponse(response, []string{x.InResponseTo}, *acs)
	if invalid, ok := errors.AsType[*saml.InvalidResponseError](err); ok {
		return "", invalid.PrivateErr
	}
	if err != nil {
		return "", err
	}
	if a.Subject == nil || a.Subject.NameID == nil {
		return "", errors.New("no name identifier")
	}
	return a.Subject.NameID.Value, nil
}
