package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// secret looks up where the operator says a secret is kept. Nothing of the
// value is ever part of a problem: the operator may have written the secret
// itself.
func (d *decoder) secret(path string, n ast.Node, to *Secret) {
	ref, ok := scalarText(n)
	if !ok || !isReference(ref) {
		p := d.report(path, n, "%s must say where the secret is kept, env:NAME or file:PATH: secrets are never written in this file", leaf(path))
		p.Source = before(p.Source, p.Column) + redacted
		return
	}
	value, err := reveal(d.dir, ref)
	if err != nil {
		d.report(path, n, "%s: %v", leaf(path), err)
	}
	*to = Secret{Ref: ref, value: value}
}

// reveal reads the secret that ref names.
func reveal(dir, ref string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	var value string
	switch kind {
	case "env":
		value = os.Getenv(name)
		if value == "" {
			return "", errors.New("the environment variable " + name + " is not set")
		}
	default:
		text, err := os.ReadFile(within(dir, name))
		if err != nil {
			return "", unreadable(name, err)
		}
		// Editors and kubectl end a file with a newline that is not meant.
		value = strings.TrimRight(string(text), "\r\n")
		if value == "" {
			return "", errors.New("the file " + name + " is empty")
		}
	}
	return value, nil
}

// unreadable says why a file cannot be read, by the name the operator gave it.
func unreadable(name string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return errors.New("the file " + name + " cannot be read: " + err.Error())
}

// within returns the path of a file that is named relative to dir.
func within(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
