package mapping_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/councilid/councilid/mapping"
)

var update = flag.Bool("update", false, "rewrite the results in testdata")

// TestGolden runs the cases of testdata/*.txtar. A file sets rules, or a
// release, as an operator writes them, and goes on with what providers said or
// what is known of residents:
//
//	-- rules --                 rules for the cases that follow
//	-- release --               a release for the cases that follow
//	-- NAME.said --             a provider's claims    → NAME.statement
//	-- NAME.signed --           what it signed         → NAME.assurance
//	-- NAME.known --            scopes and claims      → NAME.released
//	-- NAME.rules --            rules with mistakes    → NAME.mistakes
//	-- NAME.release --          a release with some    → NAME.mistakes
//
// To add a case, add its paragraph and run go test -update; then read what was
// written.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := txtar.Format(replay(t, txtar.Parse(want)))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" && !*update {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// replay returns the archive with every result worked out anew.
func replay(t *testing.T, old *txtar.Archive) *txtar.Archive {
	archive, run := &txtar.Archive{Comment: old.Comment}, &cases{TB: t}
	for _, f := range old.Files {
		name, section, _ := cutLast(f.Name, ".")
		if slices.Contains([]string{"statement", "assurance", "released", "mistakes"}, section) {
			continue
		}
		archive.Files = append(archive.Files, f)
		if section, result := run.section(name, section, f.Data); section != "" {
			archive.Files = append(archive.Files, txtar.File{Name: name + "." + section, Data: result})
		}
	}
	return archive
}

// cases holds the rules and the release that the cases of a file are run on.
type cases struct {
	testing.TB
	rules   *mapping.Rules
	release *mapping.Release
}

// section runs one section and returns the section of its result, if it has
// one.
func (c *cases) section(name, section string, data []byte) (string, []byte) {
	switch section {
	case "":
		c.set(name, data)
		return "", nil
	case "said":
		return "statement", c.json(c.rules.Apply(parse[mapping.Claims](c, data)))
	case "signed":
		return "assurance", []byte(c.rules.Assess(parse[mapping.Signed](c, data)).String() + "\n")
	case "known":
		in := parse[struct {
			Scopes []string
			Claims mapping.Claims
		}](c, data)
		return "released", c.json(c.release.Apply(in.Claims, in.Scopes))
	case "rules":
		_, mistakes := mapping.CompileRules(ruleSource(c, data))
		return "mistakes", c.lines(mistakes)
	case "release":
		_, mistakes := mapping.CompileRelease(releaseRules(c, data))
		return "mistakes", c.lines(mistakes)
	}
	c.Fatalf("unknown section %s.%s", name, section)
	return "", nil
}

func (c *cases) set(what string, data []byte) {
	var mistakes []mapping.Mistake
	switch what {
	case "rules":
		c.rules, mistakes = mapping.CompileRules(ruleSource(c, data))
	case "release":
		c.release, mistakes = mapping.CompileRelease(releaseRules(c, data))
	default:
		c.Fatalf("unknown section %s", what)
	}
	if len(mistakes) > 0 {
		c.Fatalf("%s:\n%s", what, c.lines(mistakes))
	}
}

func (c *cases) json(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		c.Fatal(err)
	}
	return append(b, '\n')
}

func (c *cases) lines(mistakes []mapping.Mistake) []byte {
	var b strings.Builder
	for _, m := range mistakes {
		b.WriteString(m.Error() + "\n")
	}
	return []byte(b.String())
}

func parse[T any](t testing.TB, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return v
}

// ruleSource reads rules as a connector's file has them.
func ruleSource(t testing.TB, data []byte) mapping.RuleSource {
	t.Helper()
	var file struct {
		Claims map[string]string
		Trust  struct {
			Verified []string
			Email    struct{ Policy, When string }
		}
		Levels map[string]mapping.Level
		Cap    map[string]mapping.Assurance
	}
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	src := mapping.RuleSource{
		Claims:   file.Claims,
		Verified: file.Trust.Verified,
		Email:    mapping.EmailPolicy{Policy: file.Trust.Email.Policy, When: file.Trust.Email.When},
		Levels:   file.Levels,
	}
	for _, component := range file.Cap {
		src.Cap = src.Cap.Join(component)
	}
	return src
}

// releaseRules reads a release as an app's file has it.
func releaseRules(t testing.TB, data []byte) []mapping.ReleaseRule {
	t.Helper()
	var list []any
	if err := yaml.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	var rules []mapping.ReleaseRule
	for _, item := range list {
		switch item := item.(type) {
		case string:
			rules = append(rules, mapping.ReleaseRule{As: item})
		case map[string]any:
			rules = append(rules, mapping.ReleaseRule{As: item["as"].(string), Value: item["value"].(string)})
		}
	}
	return rules
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
