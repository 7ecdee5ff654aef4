package text_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/web/text"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// plural returns both forms of a plural key if key is one of them.
func plural(key string) (one, other string, ok bool) {
	for _, form := range []string{".one", ".other"} {
		if stem, found := strings.CutSuffix(key, form); found {
			return stem + ".one", stem + ".other", true
		}
	}
	return "", "", false
}

func TestLanguagesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	nl, en := text.For(text.Dutch), text.For(text.English)
	for _, key := range nl.Keys() {
		if !en.Has(key) {
			t.Errorf("%s is missing in English", key)
			continue
		}
		a, b := placeholder.FindAllString(nl.T(key), -1), placeholder.FindAllString(en.T(key), -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s: placeholders %v in Dutch, %v in English", key, a, b)
		}
		if strings.TrimSpace(nl.T(key)) == "" || strings.TrimSpace(en.T(key)) == "" {
			t.Errorf("%s is empty", key)
		}
	}
	for _, key := range en.Keys() {
		if !nl.Has(key) {
			t.Errorf("%s is missing in Dutch", key)
		}
	}
}

func TestPluralsAreComplete(t *testing.T) {
	for _, lang := range text.Languages {
		c := text.For(lang)
		for _, key := range c.Keys() {
			if one, other, ok := plural(key); ok && (!c.Has(one) || !c.Has(other)) {
				t.Errorf("%s: %s has no counterpart", lang, key)
			}
		}
	}
}

// TestFindingsHaveNoPlaceholders checks the texts that are shown without arguments,
// because the report has none: a placeholder would be shown as it is.
func TestFindingsHaveNoPlaceholders(t *testing.T) {
	c := text.For(text.Dutch)
	for _, key := range c.Keys() {
		for _, prefix := range []string{"finding.", "advice.", "entry."} {
			if strings.HasPrefix(key, prefix) && !strings.HasPrefix(key, "finding.partners.") && placeholder.MatchString(c.T(key)) {
				t.Errorf("%s has a placeholder: %s", key, c.T(key))
			}
		}
	}
}

// TestEveryCodeHasWords shows that every finding has a text and an advice, and every
// refusal a text.
func TestEveryCodeHasWords(t *testing.T) {
	findings := strings.Fields(`PATIENT_NUMBER_EMPTY PATIENT_NUMBER_TOO_LONG CENTRE_OTHER BIRTH_DATE_UNREADABLE BIRTH_YEAR_UNREADABLE
		ROW_TOO_MANY_COLUMNS FIELD_TOO_LONG CONTROL_CHARACTER LINK_PSEUDONYM_MISSING PSEUDONYM_MALFORMED PSEUDONYM_REUSED SEX_UNKNOWN
		CONFLICT_NUMBER CONFLICT_PSEUDONYM DUPLICATE_NUMBER DUPLICATE_PSEUDONYM ROW_REPEATED EXPIRED_DURING_OUTAGE TTP_UNUSABLE BIRTH_DATE_PARTIAL
		NUMBER_LIKE_DATE NUMBER_SCIENTIFIC NUMBER_ELEVEN_TEST NUMBER_ZEROS_LOST NAME_GARBLED BIRTH_LONG_AGO BIRTH_FIRST_JANUARY
		CELL_ERROR CELL_FORMAT CELL_UNCOUNTED CELL_ROUNDED CELL_NESTED CELL_TWICE ROW_NOT_OBJECT
		FHIR_NOT_TEXT FHIR_SEVERAL_NUMBERS FHIR_NUMBER_NOT_IN_FORCE FHIR_SEVERAL_NAMES FHIR_NO_NAME_IN_FORCE FHIR_PATIENT_REPLACED
		INITIALS_MISSING LINK_PART_MISSING LINK_NOT_MADE ROW_WITHOUT_DETAILS`)
	ttp := strings.Fields(`2101 2102 2103 2111 2121 2122 2131 2201 2202 2203 2205 3101`)
	refusals := strings.Fields(`EMPTY NO_ROWS NOT_TEXT ENCODING NO_HEADER MISSING_COLUMN DOUBLE_COLUMN BSN_COLUMN BSN_NUMBERS MIXED
		IDENTITIES_NOT_ALLOWED TEMPORARY_NOT_ALLOWED NO_LINK_PSEUDONYM TOO_MANY_ROWS TOO_MANY_COLUMNS RECORD_TOO_LONG UNCLOSED_QUOTE UNKNOWN_COLUMNS_ONLY
		ONE_COLUMN MARKUP FHIR_BSN HEADER_QUOTED LINES_QUOTED
		ENCRYPTED OLD_WORKBOOK BINARY_WORKBOOK OTHER_DOCUMENT BROKEN_WORKBOOK BROKEN_WORKBOOK_AT TOO_EXPANDED
		BROKEN_JSON BROKEN_JSON_AT BROKEN_JSON_AFTER NOT_RECORDS FHIR_XML NO_PATIENTS NOT_A_BUNDLE SHEETS`)
	var keys []string
	for _, code := range findings {
		keys = append(keys, "finding."+code, "advice."+code)
	}
	for _, code := range ttp {
		keys = append(keys, "advice."+code)
	}
	for _, code := range refusals {
		keys = append(keys, "refusal."+code)
	}
	c := text.For(text.Dutch)
	for _, key := range keys {
		if !c.Has(key) {
			t.Errorf("%s is missing", key)
		}
	}
	const want = "verlopen tijdens een storing bij de TTP, lever deze regel opnieuw aan"
	if got := c.T("finding.EXPIRED_DURING_OUTAGE"); got != want {
		t.Errorf("finding.EXPIRED_DURING_OUTAGE = %q, want %q", got, want)
	}
	for _, key := range c.Keys() {
		if stem, ok := strings.CutSuffix(key, ".title"); ok && strings.HasPrefix(key, "error.") {
			for _, part := range []string{".body", ".next"} {
				if !c.Has(stem + part) {
					t.Errorf("%s has a title but no %s", stem, part)
				}
			}
		}
	}
}

var coded = regexp.MustCompile(`(?m)^\t[A-Za-z]+ +(?:Type|Status|Outcome|Role) += "([a-z_]+)"`)

// TestEveryDomainValueHasWords reads the values from the source, because this package
// must import nothing else of Sluis. It fails if a new value has no text.
func TestEveryDomainValueHasWords(t *testing.T) {
	c := text.For(text.Dutch)
	for file, prefix := range map[string]string{
		"audit/audit.go": "audit.", "delivery/delivery.go": "status.", "patient/outcome.go": "outcome.", "account/account.go": "role.",
	} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "internal", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		values := coded.FindAllSubmatch(raw, -1)
		if len(values) < 5 {
			t.Errorf("%s: only %d values found; has its layout changed?", file, len(values))
		}
		for _, m := range values {
			if key := prefix + string(m[1]); !c.Has(key) {
				t.Errorf("%s (%s) is missing", key, file)
			}
		}
	}
}

func TestTexts(t *testing.T) {
	nl, en := text.For(text.Dutch), text.For(text.English)
	for _, tc := range []struct{ got, want string }{
		{nl.T("no.such.key"), "no.such.key"},
		{text.For("de").Lang(), "nl"},
		{en.Lang(), "en"},
		{nl.T("deliveries.of", "n", 36, "total", 40), "36 van 40"},
		{nl.T("deliveries.of", "n", 1234567, "total", "x"), "1.234.567 van x"},
		{en.T("deliveries.of", "n", 1234, "total", 40), "1,234 of 40"},
		{nl.T("deliveries.of", "n", "{total}", "total", 2), "{total} van 2"}, // a value is never taken for a placeholder
		{nl.N("report.records", 1), "1 record"},
		{nl.N("report.records", 0), "0 records"},
		{nl.N("report.records", 100000), "100.000 records"},
		{nl.Number(-1234), "-1.234"},
		{nl.Number(999), "999"},
		{nl.Lines([]int{7, 39, 1001}), "7, 39, 1001"},
		{nl.Duration(10 * time.Second), "10 seconden"},
		{nl.Duration(3 * time.Minute), "3 minuten"},
		{nl.Duration(time.Millisecond), "minder dan een seconde"},
		{nl.Duration(26 * time.Hour), "26 uur"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}

func TestDatesAndTimes(t *testing.T) {
	nl, en := text.For(text.Dutch), text.For(text.English)
	summer := time.Date(2025, 8, 20, 12, 2, 59, 0, time.UTC)
	winter := time.Date(2025, 12, 31, 23, 30, 0, 0, time.UTC)
	for _, tc := range []struct{ got, want string }{
		{nl.Moment(summer), "20 augustus 2025 14:02"},
		{en.Moment(summer), "20 August 2025 14:02"},
		{nl.Moment(winter), "1 januari 2026 00:30"},
		{nl.Moment(time.Time{}), ""},
		{nl.Date(1909, 8, 12), "12 augustus 1909"},
		{nl.Date(1909, 0, 0), "1909"},
		{nl.Date(0, 0, 0), ""},
		{nl.ShortDate(2001, 1, 1), "1-1-2001"},
		{nl.ShortDate(2001, 0, 0), "2001"},
		{nl.ShortDate(0, 0, 0), ""},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}
