package binding

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// ParsedArtifact is a type 0x0004 artifact (SAML Bindings §3.6.4).
type ParsedArtifact struct {
	Index    int      // of the resolution endpoint
	SourceID [20]byte // SHA-1 of the issuer's entityID
}

// ParseArtifact reads SAMLart.
func ParseArtifact(s string) (ParsedArtifact, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err != nil:
		return ParsedArtifact{}, errors.New("artifact not in base64")
	case len(raw) != 2+2+20+20: // type, index, source, handle of the message
		return ParsedArtifact{}, errors.New("artifact of a wrong length")
	case binary.BigEndian.Uint16(raw) != 4:
		return ParsedArtifact{}, errors.New("artifact of another type")
	}
	return ParsedArtifact{
		Index:    int(binary.BigEndian.Uint16(raw[2:])),
		SourceID: [20]byte(raw[4:24]),
	}, nil
}
