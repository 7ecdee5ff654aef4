package importer_test

import "fmt"

// numberFaults are the files of testdata/faults whose fault is in what a patient number is.
var numberFaults = []faultyFile{
	{name: "03b-float-bsn.csv", wants: []string{"state refused", "refused BSN_NUMBERS"}, unlike: []string{"patient"}},
	{name: "03f-nbsp-bsn.csv", wants: []string{"state refused", "refused BSN_NUMBERS"}, unlike: []string{"patient"}},
	{name: "03h-prefix-bsn.csv", wants: []string{"state refused", "refused BSN_NUMBERS"}, unlike: []string{"patient"}},
	{name: "03k-thousands-comma-bsn.csv", wants: []string{"state refused", "refused BSN_NUMBERS"}, unlike: []string{"patient"}},
	{
		name: "03r-bsn-with-header-lsp.csv",
		wants: []string{"state done", "note UNKNOWN_COLUMN_IGNORED map[columns:7 (G)]", "note BSN_IGNORED map[columns:7 (G)]",
			"patient 700100 "},
	},
	{
		name: "01b-invisible-inside-number.csv",
		wants: []string{"note NUMBER_MARKS map[count:8]", "patient 700100 ", "patient 700135 ", "patient 700 142 ", "patient 700 149 ",
			"patient 700 156 ", "patient 700.163 "},
		unlike: []string{"note NUMBER_FLOATS"},
	},
	{name: "02b-float-ids.csv", wants: []string{"state done", "note NUMBER_FLOATS", "patient 700100 ", "patient 700177 "},
		unlike: []string{"patient 700100."}},
	{
		name: "02f-json-numbers.json", // 1e5, 1E5 and 100000 are one number, and so are 700100.0 and 7.001e5
		wants: []string{
			"line 1 warning sluis DUPLICATE_NUMBER", "line 2 warning sluis DUPLICATE_NUMBER", "line 6 warning sluis DUPLICATE_NUMBER",
			"line 4 warning sluis DUPLICATE_NUMBER", "line 5 warning sluis DUPLICATE_NUMBER", "patient 1 ", "patient 12345678901234567890 ",
		},
		unlike: []string{"patient 1e5", "patient 1.0", "patient 7.001"},
	},
	{
		name: "13c-number-became-date.csv", // 12-50, 03-09 and 3/9 may be a hospital's own numbers
		wants: append(eachLine("line %d warning sluis NUMBER_LIKE_DATE", 2, 3, 4, 5, 6, 7, 11, 12), "state done", "patient 3-sep ",
			"patient 700100 "),
		unlike: eachLine("line %d warning sluis NUMBER_LIKE_DATE", 8, 9, 10, 13),
	},
	{name: "20a-prefix.xlsx", wants: []string{"state done", "patient MDN-001234 ", "patient MDN-001241 "},
		unlike: []string{"patient 1234 "}},
}

// eachLine formats a line of the account for each line of a file.
func eachLine(format string, lines ...int) []string {
	out := make([]string, len(lines))
	for i, n := range lines {
		out[i] = fmt.Sprintf(format, n)
	}
	return out
}
