package op

import "net/http"

// trustmarkPath is where vtm leads: the document says what the components of
// vot mean here (RFC 8485 §5).
const trustmarkPath = "/trustmark"

// trustmark says what each component means, and what stands behind it. Levels
// are the council's own reckoning by GPG 44 and GPG 45, which no scheme has
// certified.
type trustmark struct {
	Issuer     string                       `json:"iss"`
	Components map[string]map[string]string `json:"components"`
}

func (s *Server) handleTrustmark(w http.ResponseWriter, _ *http.Request) error {
	publish(w)
	return writeJSON(w, http.StatusOK, trustmark{Issuer: s.Issuer, Components: map[string]map[string]string{
		"P": {
			"P0": "no confidence in the identity", "P1": "low confidence, by GPG 45", "P2": "medium confidence, by GPG 45",
			"P3": "high confidence, by GPG 45", "P4": "very high confidence, by GPG 45",
		},
		"C": {
			"C0": "nothing is known of the sign-in", "Cl": "low protection: one factor, by GPG 44", "Cm": "medium protection: two factors, by GPG 44",
			"Ch": "high protection: two factors, one of them a key that cannot be copied, by GPG 44",
		},
		"F": {"F0": "the sign-in may have been phished", "F1": "the sign-in cannot be phished"},
		"R": {
			"R0": "the address is stated", "R1": "the address is matched to a property",
			"R2": "the address was shown to be the person’s, or is on an authority’s record", "R3": "both, or seen in person",
		},
	}})
}
