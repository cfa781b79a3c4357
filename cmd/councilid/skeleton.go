package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/councilid/councilid/config"
)

// file is the connector's file as far as it can be known, with what the operator
// has to write left open: councilid check asks for it.
func (s sheet) file() (string, error) {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "  preset: %s\n", s.Preset.Preset)
	var open []string // the blocks that the last line was in
	for _, path := range s.Missing {
		keys := strings.Split(path, ".")
		key, blocks := keys[len(keys)-1], keys[:len(keys)-1]
		shared := 0
		for shared < min(len(open), len(blocks)) && open[shared] == blocks[shared] {
			shared++
		}
		for i := shared; i < len(blocks); i++ {
			_, _ = fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i+1), blocks[i])
		}
		open = blocks
		text, err := config.Describe(path)
		if err != nil {
			return "", err
		}
		indent := strings.Repeat("  ", len(keys))
		_, _ = fmt.Fprintf(&b, "%s%s%s:%s\n", fold(s.own(text), indent+"# "), indent, key, s.value(path))
	}
	return b.String(), nil
}

// value is where the operator may keep what a key wants: "" where only they know
// it.
func (s sheet) value(path string) string {
	return map[string]string{
		"client_secret":       " env:" + strings.ToUpper(strings.ReplaceAll(s.ID, "-", "_")) + "_CLIENT_SECRET",
		"oidc.private_key":    " file:keys/" + s.ID + ".pem",
		"oidc.encryption.key": " file:keys/" + s.ID + "-encryption.pem",
		"oidc.tenants":        " []",
		"saml.metadata":       " {file: connectors/" + s.ID + ".xml}",
	}[path]
}

// fold breaks a text into lines that begin with indent.
func fold(text, indent string) string {
	const width = 88
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, indent+word)
		}
	}
	if lines == nil {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// table puts rows into columns.
func table(rows [][2]string) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintf(t, "  %s\t%s\n", row[0], row[1])
	}
	_ = t.Flush() // a strings.Builder takes everything
	return b.String()
}
