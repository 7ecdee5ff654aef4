package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/oidc"
	"sluis/internal/patient"
	"sluis/internal/server/report"
	"sluis/internal/server/servertest"
	"sluis/internal/server/signon"
	"sluis/web/text"
)

// Every text that the server asks of the catalogue by name is there, in every
// language: a key that is missing would show as itself.
func TestEveryTextIsInTheCatalogue(t *testing.T) {
	found := 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file := servertest.Must(parser.ParseFile(token.NewFileSet(), path, nil, 0))(t)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); !ok || sel.Sel.Name != "T" && sel.Sel.Name != "N" {
				return true
			}
			key, ok := call.Args[0].(*ast.BasicLit)
			if !ok || key.Kind != token.STRING {
				return true
			}
			found++
			name := servertest.Must(strconv.Unquote(key.Value))(t)
			if call.Fun.(*ast.SelectorExpr).Sel.Name == "N" {
				name += ".other"
			}
			for _, lang := range text.Languages {
				if !text.For(lang).Has(name) {
					t.Errorf("%s asks for %q, which the %s catalogue does not have", path, name, lang)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || found < 20 {
		t.Errorf("%d texts found, %v", found, err)
	}
}

// TestEveryCodeIsInTheCatalogue does the same for texts that are asked for by a
// code.
func TestEveryCodeIsInTheCatalogue(t *testing.T) {
	for name, keys := range map[string][]string{
		"fields and errors": formKeys(), "conflicts": conflictKeys(), "access log": logKeys(),
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range keys {
				for _, lang := range text.Languages {
					if !text.For(lang).Has(key) {
						t.Errorf("the %s catalogue does not have %q", lang, key)
					}
				}
			}
		})
	}
	if apperr.CodeOf(nil) != "internal" {
		t.Error("the code of an unclassified error has another name")
	}
}

// formKeys returns the keys of states, of what is wrong with a field, and of errors.
func formKeys() []string {
	var keys []string
	for _, status := range delivery.Statuses {
		keys = append(keys, "status."+string(status))
	}
	for _, code := range []string{
		"number_missing", "number_too_long", "number_bsn", "characters", "too_long", "birth_incomplete", "birth_impossible", "birth_format",
	} {
		keys = append(keys, "entry."+code)
	}
	for _, code := range []string{
		"not_found", "forbidden", "internal", "cross_origin", "method_not_allowed", "body_too_large", "invalid", "multipart_malformed",
		"review_changed", "review_closed", "review_withheld", "centre_missing", "delivery_not_waiting", "delivery_not_cancellable",
		"delivery_not_repairable", "report_expired", "unknown_parameter", "invalid_parameter", "invalid_query", "storage_unavailable",
	} {
		keys = append(keys, "error."+code+".title", "error."+code+".body")
	}
	for _, step := range []string{"upload", "check", "temporary", "definitive", "decide", "store"} {
		keys = append(keys, "step."+step)
	}
	return keys
}

// conflictKeys returns the keys of the reasons of conflicts, of the decisions, and of why
// one is withheld.
func conflictKeys() []string {
	var keys []string
	for _, reason := range patient.Reasons {
		keys = append(keys, "finding."+string(reason))
	}
	for _, d := range patient.Decisions {
		keys = append(keys, "decision."+string(d), "audit.code."+string(d))
	}
	for _, code := range []string{patient.CodeJudgedKept, patient.CodeJudgedReturned} {
		keys = append(keys, "finding."+code, "advice."+code)
	}
	return append(keys, "decision.hint.keep_existing", "decision.hint.keep_both", "decision.hint.return",
		"decision.hint.use_delivered.new", "decision.hint.use_delivered.number", "decision.hint.use_delivered.pseudonym",
		"withheld.keep_existing."+string(patient.NothingStored), "withheld.keep_both."+string(patient.OneNumber),
		"withheld.keep_both."+string(patient.OtherPerson),
		"withheld.use_delivered."+string(patient.NumberStored), "withheld.use_delivered."+string(patient.SeveralOwners))
}

// logKeys returns the keys of the access log: its acts, their reasons (permissions that
// were missing, states, outcomes, and why a file was refused), and by which way.
func logKeys() []string {
	var keys []string
	for _, kind := range audit.Types {
		keys = append(keys, "audit."+string(kind))
	}
	for _, code := range []string{
		string(account.ViewPatients), string(account.EnterPatient), string(account.ViewDeliveries), string(account.Deliver),
		string(account.ViewLog), string(account.JudgeConflicts),
		"permission_missing", "token_invalid", "not_found", "sign_in_failed", "rejected", "ttp_unavailable", "internal", "panic", "key_destroyed",
		"lapsed", report.FormatCSV, report.FormatJSON, report.FormatXLSX, "html", string(delivery.Checked), string(delivery.Confirm),
		string(patient.Created), string(patient.Updated), string(patient.Unchanged), string(patient.Review),
	} {
		keys = append(keys, "audit.code."+code)
	}
	for _, key := range text.For(text.Dutch).Keys() {
		if code, ok := strings.CutPrefix(key, "refusal."); ok {
			keys = append(keys, "audit.code."+code)
		}
	}
	for _, code := range signon.Codes() {
		keys = append(keys, "audit.code."+code)
	}
	for _, code := range oidc.Codes[:slices.Index(oidc.Codes, oidc.ClientRefused)+1] {
		keys = append(keys, "provider.wrong."+code)
	}
	for _, via := range []string{"web", "api", "worker", "cli"} {
		keys = append(keys, "via."+via)
	}
	return keys
}
