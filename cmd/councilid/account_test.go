package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// register is a folder whose broker knows some people, by their subjects.
type register struct {
	*testing.T
	dir      string
	accounts map[string]string
}

func newRegister(t *testing.T, subjects ...string) register {
	t.Helper()
	files := soundFolder()
	files["data/councilid.db"] = ""
	files["apps/council-tax.yaml"] += "release: [sub, name, email]\n"
	r := register{t, writeFiles(t, files), map[string]string{}}
	r.open(func(people *broker.Register) {
		for _, subject := range subjects {
			acc, link, _, err := people.Enter(context.Background(), accounts.SignIn{
				Connector: "google", Issuer: "https://accounts.google.com", Subject: subject, At: time.Now(), Alone: true,
				Said: mapping.Statement{Claims: mapping.Claims{"name": "Ms " + subject, "email": subject + "@example.org"}, Verified: []string{"email"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			r.accounts[subject] = acc.ID
			visit := accounts.Visit{Account: acc.ID, Link: link.ID, App: "council-tax", At: time.Now()}
			if err := people.Record(context.Background(), []string{subject}, []accounts.Visit{visit}); err != nil {
				t.Fatal(err)
			}
		}
	})
	return r
}

func (r register) open(use func(*broker.Register)) {
	r.Helper()
	cfg, err := config.Load(r.dir, connectors.Presets())
	if err != nil {
		r.Fatal(err)
	}
	people, err := broker.OpenRegister(r.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		r.Fatal(err)
	}
	defer people.Close()
	use(people)
}

// run runs a command line, in which SUBJECT's account is @SUBJECT.
func (r register) run(status int, line string) string {
	r.Helper()
	var args []string
	for arg := range strings.FieldsSeq(line) {
		if subject, ok := strings.CutPrefix(arg, "@"); ok {
			arg = r.accounts[subject]
		}
		args = append(args, arg)
	}
	var out, errs strings.Builder
	if got := execute(append(args, "--config", r.dir), &out, &errs); got != status {
		r.Errorf("councilid %s: status %d, want %d: %s", line, got, status, errs.String())
	}
	if status != 0 && out.Len() == 0 {
		return errs.String()
	}
	return out.String()
}

const by = " --officer o.fficer --reason case-17"

func TestAccount(t *testing.T) {
	r := newRegister(t, "jo", "al")
	out := r.run(0, "account show @jo"+by)
	for _, want := range []string{r.accounts["jo"], "google", "council-tax", "o.fficer", "case-17", "account.show"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "Ms jo") || strings.Contains(out, "jo@example.org") {
		t.Errorf("an officer sees what nobody needs to see:\n%s", out)
	}
	if out := r.run(0, "account delete @jo"+by); !strings.Contains(out, "erased on "+day(time.Now().Add(14*24*time.Hour))) {
		t.Error(out)
	}
	r.run(1, "account merge propose @al @jo"+by)
	r.run(0, "account undelete @jo"+by)
	r.run(1, "account show nobody"+by)
}

// It takes two officers to merge accounts, and two to undo that.
func TestAccountMerge(t *testing.T) {
	r := newRegister(t, "jo", "al")
	id := strings.TrimSpace(r.run(0, "account merge propose @jo @al"+by))
	r.run(0, "account merge withdraw "+id+by)
	r.run(1, "account merge approve "+id+" --officer a.nother --reason case-17")
	id = strings.TrimSpace(r.run(0, "account merge propose @jo @al"+by))
	r.run(1, "account merge approve "+id+by)
	r.run(0, "account merge approve "+id+" --officer a.nother --reason case-17")
	r.run(1, "account show @al"+by)
	r.run(1, "account merge withdraw "+id+by)
	r.run(0, "account undo propose "+id+by)
	r.run(0, "account undo withdraw "+id+by)
	r.run(1, "account undo approve "+id+" --officer a.nother --reason case-18")
	r.run(0, "account undo propose "+id+by)
	r.run(1, "account undo approve "+id+by)
	r.run(0, "account undo approve "+id+" --officer a.nother --reason case-18")
	out := r.run(0, "account show @al"+by)
	for _, want := range []string{"merge.propose", "merge.withdraw", "merge.approve", "undo.propose", "undo.withdraw", "undo.approve"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestAccountUsage(t *testing.T) {
	r := newRegister(t, "jo")
	for _, line := range []string{
		"account show @jo", "account show @jo --officer o", "account show @jo --reason r", "account show" + by,
		"account delete @jo", "account undelete @jo", "account merge propose @jo" + by, "account merge approve" + by,
		"account merge withdraw" + by, "account undo propose" + by, "account undo withdraw" + by, "explain --account @jo" + by, "explain --app council-tax" + by, "explain --account @jo --app council-tax",
		"rekey --file x" + by, "rekey --connector google" + by, "rekey --connector google --file x --from-sign-ins 2026-01-01" + by,
		"rekey --connector google --file x", "rekey --connector google --file x --officer o", "rekey --connector google --file x --reason r", "audit verify now",
	} {
		r.run(2, line)
	}
	if out := r.run(0, "account show @jo"+by); strings.Count(out, "o.fficer") != 1 {
		t.Errorf("looks that were refused are written down:\n%s", out)
	}
}

func TestExplain(t *testing.T) {
	r := newRegister(t, "jo")
	r.open(func(people *broker.Register) {
		said := mapping.Statement{Claims: mapping.Claims{"name": "Jo", "email": "jo@home.example"}}
		if err := people.Say(context.Background(), r.accounts["jo"], said); err != nil {
			t.Fatal(err)
		}
	})
	out := r.run(0, "explain --account @jo --app council-tax"+by)
	for _, want := range []string{
		`email +"jo@example.org" +google +true .* wins`, `email +"jo@home.example" +resident +false .* another vouches for it`,
		`name +"Ms jo" +google +false .* wins`, `name +"Jo" +resident +false .* another's word`,
		`council-tax would be told, at most:\n  email +"jo@example.org"\n  name +"Ms jo"\n  sub +"[\w-]{43}"`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in:\n%s", want, out)
		}
	}
	r.run(1, "explain --account @jo --app another"+by)
	if out := r.run(0, "account show @jo"+by); !strings.Contains(out, "account.explain") {
		t.Error(out)
	}
}

func TestRekey(t *testing.T) {
	r := newRegister(t, "jo", "al", "mo")
	file := filepath.Join(r.dir, "map.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("subject,new_subject\njo,al\nal,jo,\nmo,\nmo,new\n")
	want := "line 2: the new subject leads in to another account: the two have to be merged first\n" +
		"line 3: it has more or fewer columns than the first line\nline 4: a column is empty\n" +
		"new subjects: 1\nnew subjects that their owners had linked already: 0\nold subjects that nobody signs in with here: 0\nconflicts: 3\n"
	if out := r.run(1, "rekey --connector google --file "+file+" --apply"+by); out != want {
		t.Errorf("got:\n%s", out)
	}
	write("subject,new_subject,new_issuer\njo,al,https://accounts.google.com\nal,jo,https://accounts.google.com\nmo,m,https://new.example\n")
	if out := r.run(0, "rekey --connector google --file "+file+by); !strings.Contains(out, "Nothing was changed") {
		t.Error(out)
	}
	r.run(0, "rekey --connector google --file "+file+" --apply"+by)
	r.open(func(people *broker.Register) {
		for subject, was := range map[string]string{"jo": "al", "al": "jo"} {
			if got, err := people.Whose(context.Background(), "https://accounts.google.com", subject); err != nil || got != r.accounts[was] {
				t.Errorf("%s: %s, %v", subject, got, err)
			}
		}
	})
	if out := r.run(0, "account show @jo"+by); !regexp.MustCompile(`o\.fficer +rekey +case-17`).MatchString(out) {
		t.Errorf("jo does not read who did it:\n%s", out)
	}
	for _, text := range []string{"", "old,new\na,b\n", "subject,new_subject\n\"a,b\n", "subject,new_subject\na,b\n"} {
		write(text) // the last names no issuer, of which there are two now
		r.run(1, "rekey --connector google --file "+file+by)
	}
	r.run(1, "rekey --connector google --file nowhere.csv"+by)
	r.run(1, "rekey --connector google --from-sign-ins yesterday"+by)
	r.run(0, "rekey --connector google --from-sign-ins 2026-01-01"+by)
}

func TestAuditVerify(t *testing.T) {
	r := newRegister(t, "jo", "al")
	head := filepath.Join(r.dir, "head")
	if out := r.run(0, "audit verify --head "+head); out != "4 entries, as they were written\n" {
		t.Error(out)
	}
	r.run(0, "account delete @jo"+by)
	if out := r.run(0, "audit verify --head "+head); out != "5 entries, as they were written\n" {
		t.Error(out)
	}
	seen, err := os.ReadFile(head)
	if err != nil || !regexp.MustCompile(`^5 [0-9a-f]{64}\n$`).Match(seen) {
		t.Errorf("%q, %v", seen, err)
	}
	if err := os.WriteFile(head, []byte("9 "+strings.Repeat("0", 64)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run(0, "audit verify")
	if out := r.run(1, "audit verify --head "+head); !strings.Contains(out, "entry 6 is missing") {
		t.Error(out)
	}
	if err := os.WriteFile(head, []byte("all is well\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run(1, "audit verify --head "+head)
}
