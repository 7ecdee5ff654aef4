package importer_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/ttpclient/ttptest"
)

// dateFaults are the files of testdata/faults whose fault is in what a date is.
var dateFaults = []faultyFile{
	{name: "13e-swapped-cells.xlsx", wants: []string{"state refused", "refused DATES_SWAPPED map[column:Geboortedatum]"},
		unlike: []string{"patient"}},
	{name: "17d-ampm-ambiguous.csv", wants: []string{"state mapping"}, unlike: []string{"patient", "refused"}},
	{name: "17e-month-name-midnight.csv", wants: []string{"counts read=8 created=8 rejected=0 review=0"}},
	{name: "17f-xsd-date-zone.csv", wants: []string{"counts read=4 created=4 rejected=0 review=0"}},
	{name: "07c-sas-date9.csv", wants: []string{"state done", "patient 700100 1950-01-13 m", "patient 700177 1961-12-24 v"}},
	{name: "21j-mostly-1-sex.csv", wants: []string{"state refused", "refused SEX_ZERO_ONE map[column:Geslacht]"},
		unlike: []string{"patient"}},
	{name: "07i-sas-days-children.xlsx", wants: []string{"note BIRTHS_NUMBERED"}},
	{
		name: "07m-spss-days.xlsx", unlike: []string{"patient"},
		wants: []string{"state refused", "refused BIRTHS_NUMBERED_UNLIKELY map[column:Geboortedatum count:10 first:2267 last:2314]"},
	},
	{name: "07l-excel-serials-unformatted.xlsx", wants: []string{"note BIRTHS_NUMBERED"}},
	{name: "04a-moments.xlsx", wants: []string{"line 2 fatal sluis BIRTH_DATE_TIME birthDate"},
		unlike: []string{"line 2 fatal sluis BIRTH_DATE_UNREADABLE"}},
	{name: "14a-brp-unknown.csv", wants: []string{
		"state confirm", "counts read=14 created=0", "line 2 fatal sluis BIRTH_DATE_PARTIAL", "line 8 fatal sluis BIRTH_DATE_PARTIAL",
		"line 15 fatal sluis BIRTH_DATE_PARTIAL",
	}, unlike: []string{"line 2 fatal ttp", "patient"}},
}

// dateRows makes a file of men with these dates of birth.
func dateRows(births ...string) string {
	out := "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Tussenvoegsel;Voorletters\n"
	for i, b := range births {
		out += fmt.Sprintf("%d;%s;m;Naam%c;;A\n", 700100+i, b, 'a'+i)
	}
	return out
}

// TestFaultyDates delivers neighbours of the faults in testdata/faults.
func TestFaultyDates(t *testing.T) {
	ttp := ttptest.Start(t)
	for _, f := range []struct {
		faultyFile
		births []string
	}{
		{faultyFile{name: "an order that nothing shows", wants: []string{
			"state done", "note DATES_ORDER_ASSUMED map[column:Geboortedatum first:1970 last:1985]", "patient 700100 1970-04-03 m",
		}}, []string{"3-4-1970", "5-6-1985"}},
		{faultyFile{name: "an order that is shown", wants: []string{"state done"}, unlike: []string{"note DATES"}},
			[]string{"3-4-1970", "15-6-1985"}},
		{faultyFile{name: "the month first", wants: []string{
			"state done", "note DATES_MONTH_FIRST map[column:Geboortedatum first:1970 last:1985]", "patient 700100 1970-03-04 m",
		}}, []string{"3/4/1970", "6/15/1985", "6/16/1985"}},
		{faultyFile{name: "one that has the month first", wants: []string{"state mapping"}}, []string{"3/4/1970", "6/15/1985", "6/6/1985"}},
		{faultyFile{name: "year-day-month", wants: []string{
			"state done", "counts read=3 created=3", "note DATES_YEAR_DAY_MONTH map[column:Geboortedatum first:1950 last:1952]",
			"patient 700101 1951-03-02 m",
		}}, []string{"1950-31-01", "1951-02-03", "1952-24-12"}},
		{faultyFile{name: "eight digits, year-day-month", wants: []string{"counts read=3 created=3", "patient 700100 1950-01-31 m"}},
			[]string{"19503101", "19510203", "19522412"}},
		{faultyFile{name: "two orders", wants: []string{"state refused", "refused DATES_MIXED map[column:Geboortedatum]"},
			unlike: []string{"patient"}},
			[]string{"31-1-1950", "30-1-1951", "29-1-1952", "1-31-1950", "1-30-1951", "1-29-1952", "3-4-1950"}},
		{faultyFile{name: "two orders with the year first", wants: []string{"state refused", "refused DATES_MIXED"},
			unlike: []string{"patient"}},
			[]string{"1950-31-01", "1951-30-01", "1952-29-01", "1950-01-31", "1951-01-30", "1952-01-29", "1950-03-04"}},
		{faultyFile{name: "Excel's days as text", wants: []string{"state refused",
			"refused BIRTHS_NUMBERED_TEXT map[column:Geboortedatum count:6]"}, unlike: []string{"patient"}},
			[]string{"18264", "20000", "25000", "30000", "31000", "32000"}},
		{faultyFile{name: "SAS's days as text", wants: []string{"state refused", "refused BIRTHS_NUMBERED_TEXT"},
			unlike: []string{"patient"}},
			[]string{"-3652", "-2000", "-1000", "-500", "-100"}},
		{faultyFile{name: "a zone behind the day",
			wants: []string{"counts read=3 created=3", "patient 700100 1990-07-01 m", "patient 700101 1990-07-02 m",
				"patient 700102 1990-07-03 m"}},
			[]string{"1990-07-01Z", "1990-07-02+02:00", "1990-07-02T22:00:00Z"}},
		{faultyFile{name: "digits of several scripts", wants: eachLine("line %d fatal sluis BIRTH_DATE_UNREADABLE birthDate", 2, 3),
			unlike: []string{"patient"}},
			[]string{"٣١-٠٧-١٩٩٠", "3０-07-１９９0"}},
		{faultyFile{name: "marks inside", wants: []string{"counts read=2 created=2", "patient 700100 1990-07-31 m",
			"patient 700101 1990-07-30 m"}},
			[]string{"31\u200b-07-1990", "30\u201107\u20111990"}},
		{faultyFile{name: "years of two digits", wants: eachLine("line %d fatal sluis BIRTH_DATE_YEAR_SHORT birthDate", 2, 3, 4),
			unlike: []string{"patient"}},
			[]string{"31-01-80", "1/2/45", "01-jan-80"}},
		{faultyFile{name: "the month by name", wants: []string{"counts read=4 created=4", "patient 700100 1980-01-01 m",
			"patient 700103 1980-05-01 m"}},
			[]string{"01-jan-1980", "1 MEI 1980", "Jan 1, 1980", "1-Mei-1980"}},
		{faultyFile{name: "no date at all", wants: []string{
			"line 2 fatal sluis BIRTH_DATE_PARTIAL", "line 3 fatal sluis BIRTH_DATE_PARTIAL", "line 4 fatal ttp",
			"line 5 fatal sluis BIRTH_DATE_UNREADABLE",
		}, unlike: []string{"patient"}}, []string{"0000-00-00", "00-00-0000", "31-02-1980", "-1"}},
		{faultyFile{name: "dates that mean unknown", wants: eachLine("line %d warning sluis BIRTH_FIRST_JANUARY", 2, 3)},
			[]string{"1-1-1900", "01-01-1901"}},
	} {
		t.Run(f.name, func(t *testing.T) { checkFaulty(t, ttp, f.faultyFile, dateRows(f.births...)) })
	}
}

// TestFaultyDatesInWorkbooks delivers dates as the cells of a workbook, which are numbers,
// texts or dates.
func TestFaultyDatesInWorkbooks(t *testing.T) {
	ttp := ttptest.Start(t)
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	for _, f := range []struct {
		faultyFile
		from1904 bool
		births   []any
	}{
		{faultyFile{name: "SAS's days before 1960", wants: []string{
			"state refused", "refused BIRTHS_NUMBERED_UNLIKELY map[column:Geboortedatum count:5 first:1889 last:1899]",
		}, unlike: []string{"patient"}}, false, []any{-3652, -2000, -1000, -500, -100}},
		{faultyFile{name: "days of 1900", wants: []string{
			"state done", "note BIRTHS_NUMBERED map[column:Geboortedatum count:2 first:1950 last:1954]", "patient 700100 1950-01-01 m",
		}}, false, []any{18264, 20000}},
		{faultyFile{name: "days of 1904", wants: []string{
			"state done", "note BIRTHS_NUMBERED map[column:Geboortedatum count:2 first:1954 last:1958]", "patient 700100 1954-01-02 m",
		}}, true, []any{18264, 20000}},
		{faultyFile{name: "days as text", wants: []string{"state done", "note BIRTHS_NUMBERED map[column:Geboortedatum count:1 first:1950 last:1950]", "patient 700100 1950-01-01 m"}},
			false, []any{"18264", "31-1-1970"}},
		{faultyFile{name: "eight digits as numbers", wants: []string{"state done", "patient 700100 1980-01-01 m", "patient 700101 1980-12-31 m"}, unlike: []string{"note BIRTHS_NUMBERED"}},
			false, []any{19800101, 31121980}},
		{faultyFile{name: "eight digits that lost a zero", wants: []string{"state refused", "refused BIRTHS_NUMBERED_UNLIKELY"}, unlike: []string{"patient"}},
			false, []any{1011980, 2011980, 3011980, 4011980, 5011980, 31121980}},
		{faultyFile{name: "dates, and a text that is open", wants: []string{"state done", "note DATES_ORDER_ASSUMED", "patient 700100 1980-01-31 m", "patient 700101 1980-04-03 m"}},
			false, []any{day(1980, 1, 31), "3-4-1980"}},
		{faultyFile{name: "dates, and texts as year-day-month", wants: []string{"state refused", "refused DATES_MIXED"}, unlike: []string{"patient"}},
			false, []any{day(1980, 1, 31), day(1980, 2, 28), day(1980, 3, 31), "1980-31-01", "1980-30-01", "1980-29-01", "1980-03-04"}},
		{faultyFile{name: "years", wants: eachLine("line %d fatal sluis BIRTH_DATE_PARTIAL", 2, 3), unlike: []string{"patient"}}, false, []any{1954, "1955"}},
		{faultyFile{name: "the day that never was", wants: []string{"line 2 fatal sluis BIRTH_DATE_UNREADABLE", "line 3 fatal sluis BIRTH_DATE_UNREADABLE"}}, false, []any{60, 0}},
	} {
		t.Run(f.name, func(t *testing.T) {
			book := excelize.NewFile()
			defer func() { _ = book.Close() }()
			if err := book.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &f.from1904}); err != nil {
				t.Fatal(err)
			}
			rows := [][]any{{"Patiëntnummer", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters"}}
			for i, b := range f.births {
				rows = append(rows, []any{fmt.Sprint(700100 + i), b, "m", fmt.Sprintf("Naam%c", 'a'+i), "A"})
			}
			for i, row := range rows {
				if err := book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			if err := book.Write(&out); err != nil {
				t.Fatal(err)
			}
			checkFaulty(t, ttp, f.faultyFile, out.String())
		})
	}
}

// TestOrderOfDatesIsSaid: a script that is not asked says the order with its file. What the
// dates prove goes before it.
func TestOrderOfDatesIsSaid(t *testing.T) {
	ttp := ttptest.Start(t)
	open := []string{"7/1/1990 12:00:00 AM", "3/11/1985 12:00:00 AM"}
	for name, c := range map[string]struct {
		births []string
		dates  delivery.DateOrder
		wants  []string
	}{
		"nothing said": {open, "", []string{"state refused", "refused DATES_ORDER_OPEN map[column:Geboortedatum parameter:dates]"}},
		"month first":  {open, delivery.MonthFirst, []string{"state done", "patient 700100 1990-07-01 m", "note DATES_MONTH_FIRST"}},
		"day first":    {open, delivery.DayFirst, []string{"state done", "patient 700100 1990-01-07 m"}},
		"proved otherwise": {[]string{"31-1-1970", "30-1-1971", "3-4-1972"}, delivery.MonthFirst,
			[]string{"state done", "patient 700102 1972-04-03 m", "note DATES_ORDER_PROVEN"}},
		"and the other way": {[]string{"1-31-1970", "1-30-1971", "3-4-1972"}, delivery.DayFirst,
			[]string{"state done", "patient 700102 1972-03-04 m", "note DATES_ORDER_PROVEN"}},
		"said, and no doubt": {[]string{"1970-01-31"}, delivery.MonthFirst, []string{"state done", "patient 700100 1970-01-31 m"}},
	} {
		t.Run(name, func(t *testing.T) {
			up := intake.Upload{Who: tester, Mode: delivery.Save, Via: audit.ViaAPI, Filename: "a.csv", Dates: c.dates}
			account := deliverUpload(t, ttp, up, dateRows(c.births...))
			for _, want := range c.wants {
				if !slices.ContainsFunc(account, func(line string) bool { return strings.HasPrefix(line, want) }) {
					t.Errorf("no line begins with %q:\n%s", want, strings.Join(account, "\n"))
				}
			}
		})
	}
}

// TestFaultyDatasets: the columns of a dataset are looked at as those of a file are.
func TestFaultyDatasets(t *testing.T) {
	ttp := ttptest.Start(t)
	for name, c := range map[string]struct {
		births []string
		sexes  string
		wants  []string
	}{
		"ISO dates": {[]string{"1970-03-04", "1971"}, "mv",
			[]string{"state done", "patient 700100 1970-03-04 m", "patient 700101 1971 v"}},
		"assumed": {[]string{"3-4-1970"}, "m",
			[]string{"state done", "note DATES_ORDER_ASSUMED map[column:birthDate first:1970 last:1970]", "patient 700100 1970-04-03 m"}},
		"month first": {[]string{"3/4/1970", "1/31/1971", "1/30/1971", "5/6/1971", "7/8/1971"}, "mmmmm",
			[]string{"state done", "counts read=5 created=5", "note DATES_MONTH_FIRST", "patient 700100 1970-03-04 m"}},
		"open": {[]string{"3/4/1970 12:00:00 AM"}, "m",
			[]string{"state refused", "refused DATES_ORDER_OPEN map[column:birthDate]"}},
		"swapped": {[]string{"1950-02-01", "1951-12-12", "1952-03-04", "13-1-1950", "14-2-1951", "31-3-1952"}, "mmmmmm",
			[]string{"state refused", "refused DATES_SWAPPED"}},
		"numbered": {[]string{"18264", "20000", "25000", "30000", "31000"}, "mmmmm",
			[]string{"state refused", "refused BIRTHS_NUMBERED_TEXT"}},
		"year-day": {[]string{"1970-31-01", "1971-13-02"}, "mm",
			[]string{"state done", "note DATES_YEAR_DAY_MONTH", "patient 700100 1970-01-31 m"}},
		"sexes 0 and 1": {[]string{"1970-03-04", "1971-03-04"}, "01", []string{"state refused", "refused SEX_ZERO_ONE map[column:sex]"}},
		"in part": {[]string{"1954-00-00", "1954-07-01 23:59:12"}, "mm",
			[]string{"line 1 fatal sluis BIRTH_DATE_PARTIAL", "line 2 fatal sluis BIRTH_DATE_TIME"}},
	} {
		t.Run(name, func(t *testing.T) {
			set := fakeSets{said: len(c.births)}
			for i, b := range c.births {
				set.rows = append(set.rows, patient.DatasetRow{
					Number: fmt.Sprint(700100 + i), BirthDate: b, Sex: c.sexes[i : i+1],
					Pseudonyms: []patient.Pseudonym{{Type: "NGGV", KeyVersion: 1, Value: fmt.Sprint("v", i)}},
				})
			}
			account := importSet(t, ttp, set)
			for _, want := range c.wants {
				if !slices.ContainsFunc(account, func(line string) bool { return strings.HasPrefix(line, want) }) {
					t.Errorf("no line begins with %q:\n%s", want, strings.Join(account, "\n"))
				}
			}
		})
	}
	set := fakeSets{said: 2}
	for i, n := range []string{"700\u200b100", "700101.0"} {
		set.rows = append(set.rows, patient.DatasetRow{
			Number: n, BirthDate: "1970-03-04", Sex: "m",
			Pseudonyms: []patient.Pseudonym{{Type: "NGGV", KeyVersion: 1, Value: fmt.Sprint("v", i)}},
		})
	}
	account := importSet(t, ttp, set)
	for _, want := range []string{"note NUMBER_MARKS map[count:1]", "note NUMBER_FLOATS map[count:1]"} {
		if !slices.Contains(account, want) {
			t.Errorf("no %s in %q", want, account)
		}
	}
}
