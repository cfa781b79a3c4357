package keys_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/broker/keys"
)

func TestVerify(t *testing.T) {
	r, other := open(t, sqlite(t), time.Now), open(t, sqlite(t), time.Now)
	for _, alg := range []string{"RS256", "ES256"} {
		claims, err := r.Verify(sign(t, r, alg))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(claims), `{"iss":"https://login.example.gov.uk","sub":"someone"}`; got != want {
			t.Errorf("%s: claims %s, want %s", alg, got, want)
		}
	}
	typed := func(typ string) string {
		jws, err := r.Sign("RS256", typ, map[string]any{})
		if err != nil {
			t.Fatal(err)
		}
		return jws
	}
	if _, err := r.Verify(typed("JWT")); err != nil {
		t.Errorf("typ JWT: %v", err)
	}

	rs, es := sign(t, r, "RS256"), sign(t, r, "ES256")
	kid := header(t, rs)["kid"].(string)
	for name, jws := range map[string]string{
		"empty":                       "",
		"not a JWS":                   "hello",
		"another broker's":            sign(t, other, "RS256"),
		"claims changed":              replacePart(rs, 1, `{"sub":"another"}`),
		"alg none":                    replacePart(replacePart(rs, 0, `{"alg":"none","kid":"`+kid+`"}`), 2, ""),
		"no kid":                      replacePart(rs, 0, `{"alg":"RS256"}`),
		"kid of the other algorithm":  replacePart(es, 0, `{"alg":"ES256","kid":"`+kid+`"}`),
		"other algorithm of the kid":  replacePart(rs, 0, `{"alg":"ES256","kid":"`+kid+`"}`),
		"HMAC with the public key":    hmacSigned(t, r, kid),
		"a logout token":              typed("logout+jwt"),
		"an access token":             typed("at+jwt"),
		"JSON serialization of a JWS": jsonSerialized(t, rs),
	} {
		if claims, err := r.Verify(jws); err == nil {
			t.Errorf("%s: verified: %s", name, claims)
		}
	}
}

// replacePart returns the compact JWS with its i-th part replaced.
func replacePart(jws string, i int, with string) string {
	parts := strings.Split(jws, ".")
	parts[i] = base64.RawURLEncoding.EncodeToString([]byte(with))
	return strings.Join(parts, ".")
}

// hmacSigned is the classic confusion: the public key, as text, taken for a
// shared secret.
func hmacSigned(t *testing.T, r *keys.Ring, kid string) string {
	t.Helper()
	set := r.Public()
	secret, err := set.Key(kid)[0].MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: secret, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func jsonSerialized(t *testing.T, jws string) string {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(jws, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.FullSerialize()
}
