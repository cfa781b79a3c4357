package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/keys"
)

// keysCommand runs a command on keys and returns the columns but the id.
func keysCommand(t *testing.T, dir string, args ...string) []string {
	t.Helper()
	var out, errs strings.Builder
	if status := execute(append(append([]string{"keys"}, args...), "--config", dir), &out, &errs); status != 0 {
		t.Fatalf("keys %v: status %d: %s", args, status, errs.String())
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		column := regexp.MustCompile(`  +`).Split(strings.TrimSpace(line), -1)
		rows = append(rows, strings.Join(append(column[:1], column[2:]...), " "))
	}
	return rows
}

func TestKeys(t *testing.T) {
	files := soundFolder()
	files["broker.yaml"] += "keys: {saml_lead: 48h}\n"
	files["data/councilid.db"] = ""
	dir := writeFiles(t, files)
	now := time.Now()
	on := func(days int) string { return day(now.AddDate(0, 0, days)) }
	expires := day(now.Add(3650 * 24 * time.Hour))
	head := "LINE STATE SIGNS FROM SIGNS UNTIL PUBLISHED UNTIL CERTIFICATE EXPIRES"
	want := []string{
		head,
		"RS256 signs " + on(0) + " - - -",
		"ES256 signs " + on(0) + " - - -",
		"SAML signs " + on(0) + " - - " + expires,
	}
	if diff := cmp.Diff(want, keysCommand(t, dir, "list")); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	want = []string{
		head,
		"RS256 signs " + on(0) + " - - -",
		"ES256 signs " + on(0) + " - - -",
		"SAML signs " + on(0) + " " + on(2) + " " + on(4) + " " + expires,
		"SAML waits " + on(2) + " - - " + expires,
	}
	for _, args := range [][]string{{"rotate", "SAML"}, {"list"}, {"rotate", "SAML"}} {
		if diff := cmp.Diff(want, keysCommand(t, dir, args...)); diff != "" {
			t.Errorf("keys %v (-want +got):\n%s", args, diff)
		}
	}
	if got := len(keysCommand(t, dir, "rotate", "ES256")); got != 6 {
		t.Errorf("%d rows, want another one", got)
	}
}

func TestKeysUsage(t *testing.T) {
	for _, args := range []string{"keys rotate", "keys rotate HS256", "keys rotate RS256 SAML", "keys list all"} {
		var errs strings.Builder
		if status := execute(strings.Fields(args), &errs, &errs); status != 2 {
			t.Errorf("councilid %s: status %d: %s", args, status, errs.String())
		}
	}
}

func TestStateOf(t *testing.T) {
	now := time.Now()
	for want, key := range map[string]keys.Key{
		"signs":     {Signs: true, From: now.Add(-time.Hour)},
		"waits":     {From: now.Add(time.Second)},
		"published": {From: now.Add(-time.Hour), Withdrawn: now.Add(time.Second)},
		"verifies":  {From: now.Add(-time.Hour), Withdrawn: now},
	} {
		if got := stateOf(key, now); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
