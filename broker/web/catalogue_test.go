package web_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/web"
)

func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("catalogues/*." + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	messages := map[string]string{}
	for _, name := range files {
		if err := json.Unmarshal([]byte(read(t, name)), &messages); err != nil {
			t.Fatal(err)
		}
	}
	return messages
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// found returns what the only group of pattern matches in text.
func found(text, pattern string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// usedKeys are the keys that the templates name, where a key depends on an
// error's message, on a connector's outcome, on what a provider told, on what was
// wrong with a form, on what was changed, on a claim, on why nobody may act or on a
// month with all of these.
func usedKeys(t *testing.T) []string {
	t.Helper()
	messages := found(read(t, "error.go"), `(?m)^\t[A-Z]\w+ += "([a-z_]+)"`)
	outcomes := found(read(t, "../../connectors/connectors.go"), `(?m)Outcome += "([a-z_]+)"`)
	problems := found(read(t, "council.go"), `(?m)^\tProblem\w+ += "([a-z_]+)"`)
	changes := found(read(t, "council.go"), `(?m)^\tDone\w+ += "([a-z_]+)"`)
	reasons := found(read(t, "../login/events_word.go"), `(?m)reason += "([a-z_]+)"`)
	for _, reason := range reasons {
		outcomes = append(outcomes, "ended_"+reason, "frozen_"+reason)
	}
	if len(messages) == 0 || len(reasons) == 0 || len(outcomes) == 2*len(reasons) || len(problems) == 0 || len(changes) == 0 {
		t.Fatalf("found %d messages, %d outcomes, %d reasons, %d problems and %d changes",
			len(messages), len(outcomes), len(reasons), len(problems), len(changes))
	}
	templates, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob("templates/parts/*.html")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, name := range append(templates, parts...) {
		text := read(t, name)
		keys = append(keys, found(text, `\bt "([^"]+)"`)...)
		for _, pattern := range found(text, `\bt \(printf "([^"]+)"`) {
			variants := messages
			switch {
			case strings.HasPrefix(pattern, "notice."):
				variants = outcomes
			case strings.HasPrefix(pattern, "council.problem."):
				variants = problems
			case strings.HasPrefix(pattern, "council.done."):
				variants = changes
			case strings.HasPrefix(pattern, "consent.claim."):
				variants = namedClaims(t)
			case strings.HasPrefix(pattern, "acting.not_"):
				variants = []string{web.NotSure, web.NotShared}
			case strings.HasPrefix(pattern, "month."):
				variants = strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")
			case strings.HasPrefix(pattern, "resident."):
				variants = residentVariants(t, pattern)
			}
			for _, v := range variants {
				keys = append(keys, strings.Replace(pattern, "%s", v, 1))
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// namedClaims are the claims that the catalogues have names for.
func namedClaims(t *testing.T) []string {
	t.Helper()
	list := found(read(t, "consent.go"), `(?s)var named = \[\]string\{(.*?)\n\}`)
	if len(list) != 1 {
		t.Fatal("the list of claims is not found")
	}
	return found(list[0], `"([a-z_]+)"`)
}

func TestCataloguesHoldWhatIsUsed(t *testing.T) {
	want := usedKeys(t)
	for _, lang := range []string{"en", "cy", "gd"} {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(catalogue(t, lang)))); diff != "" {
			t.Errorf("%s: keys (-used +in the catalogue):\n%s", lang, diff)
		}
	}
}

func TestTranslationsAgree(t *testing.T) {
	english := catalogue(t, "en")
	placeholders := func(text string) []string {
		all := found(text, `\{\{([^}]*)\}\}`)
		slices.Sort(all)
		return slices.Compact(all)
	}
	for _, lang := range []string{"cy", "gd"} {
		for key, text := range catalogue(t, lang) {
			if text == english[key] {
				t.Errorf("%s: %s is not translated", lang, key)
			}
			if diff := cmp.Diff(placeholders(english[key]), placeholders(text)); diff != "" {
				t.Errorf("%s: placeholders of %s (-en +%s):\n%s", lang, key, lang, diff)
			}
		}
	}
}

// The outside conformance suite looks for these texts and apps' manuals show
// them.
func TestTextsThatOthersRelyOn(t *testing.T) {
	english := catalogue(t, "en")
	for key, want := range map[string]string{
		"choose.title":                     "Choose how to sign in",
		"error.request_invalid.title":      "This request cannot be completed",
		"error.app_unknown.title":          "This request cannot be completed",
		"error.redirect_uri_unknown.title": "This request cannot be completed",
		"sign_out.title":                   "Do you want to sign out?",
		"signed_out.title":                 "You are signed out",
	} {
		if got := english[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// Handlers in the other packages name messages, too.
func TestMessagesNamedElsewhere(t *testing.T) {
	english := catalogue(t, "en")
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, message := range found(read(t, name), `\bMessage: +"([a-z_]+)"`) {
			if _, ok := english["error."+message+".title"]; !ok {
				t.Errorf("%s: there is no message %q", name, message)
			}
		}
	}
}

// A page is called what the navigation calls it, and the letters name what there is.
func TestPagesAreCalledByOneName(t *testing.T) {
	for _, lang := range []string{"en", "cy", "gd"} {
		texts := catalogue(t, lang)
		for _, page := range []string{"sign_ins", "details", "services", "devices", "activity"} {
			if nav, title := texts["resident.nav."+page], texts["resident."+page+".title"]; !strings.HasPrefix(title, nav) {
				t.Errorf("%s: %q leads to %q", lang, nav, title)
			}
		}
		letter := read(t, "../notify/letters/notice."+lang+".txt")
		for _, said := range []struct{ text, key string }{
			{letter, "resident.activity.title"},
			{letter, "resident.devices.end_all"},
			{texts["consent.stop"], "resident.services.title"},
			{texts["resident.delegates.code_text"], "resident.delegates.title"},
		} {
			if !strings.Contains(said.text, "“"+texts[said.key]+"”") {
				t.Errorf("%s: nothing is said of %q in %q", lang, texts[said.key], said.text)
			}
		}
	}
}

// Nobody has to read more than 25 words for one thing, and apostrophes are no
// inches.
func TestTextsAreEasyToRead(t *testing.T) {
	field := regexp.MustCompile(`\{\{[^}]*\}\}`)
	for key, text := range catalogue(t, "en") {
		for sentence := range strings.FieldsFuncSeq(field.ReplaceAllString(text, "X"), func(r rune) bool { return strings.ContainsRune(".:;?", r) }) {
			if n := len(strings.Fields(sentence)); n > 25 {
				t.Errorf("%s: %d words in %q", key, n, sentence)
			}
		}
	}
	for _, lang := range []string{"en", "cy", "gd"} {
		for key, text := range catalogue(t, lang) {
			if strings.Contains(text, "'") || lang == "en" && strings.Contains(text, "e-mail") {
				t.Errorf("%s: %s: %q", lang, key, text)
			}
		}
	}
}
