package importer_test

import (
	"strings"
	"testing"

	"sluis/internal/ttpclient/ttptest"
)

// personFaults are the files of testdata/faults whose fault is in whom a row is about.
var personFaults = []faultyFile{
	{name: "03za-fhir-nnnld.json", wants: []string{"state refused", "refused FHIR_BSN"}, unlike: []string{"patient", "refused BSN_COLUMN"}},
	{name: "15a-masked-bsn.json", wants: []string{"state done", "counts read=3 created=3", "patient 800100 ", "patient 800101 ",
		"patient 800102 "}, unlike: []string{"refused"}},
	{
		name: "15b-absent-and-merged.json",
		wants: []string{
			"note FHIR_REPLACED map[count:1]", "line 6 fatal sluis FHIR_PATIENT_REPLACED", "line 2 fatal ttp 2101",
			"line 5 fatal sluis PATIENT_NUMBER_EMPTY",
			"patient 800103 ", "patient 800109 ",
		},
		unlike: []string{"patient 800108 ", "note FHIR_INACTIVE"},
	},
	{
		name: "15c-old-identifiers-and-names.json",
		wants: []string{"state done", "counts read=5 created=5", "patient 900103 ", "patient 900104 ", "patient 800105 ",
			"patient 800106 ", "patient 800107 "},
		unlike: []string{"patient 800103 ", "patient 800104 ", "line"},
	},
	{name: "15j-fhir-number-value.json", wants: []string{"line 1 fatal sluis FHIR_NOT_TEXT patientNumber", "patient 800102 ",
		"patient 800103 "}, unlike: []string{"line 1 fatal sluis PATIENT_NUMBER_EMPTY"}},
	{
		name: "15k-merged-pair.json",
		wants: []string{"note FHIR_REPLACED map[count:1]", "line 1 fatal sluis FHIR_PATIENT_REPLACED", "patient 800104 ",
			"patient 800107 "},
		unlike: []string{"patient 800103 ", "line 2"},
	},
	{
		name:   "15l-temp-anonymous.json",
		wants:  []string{"line 1 fatal sluis FHIR_NO_NAME_IN_FORCE surname", "line 2 fatal sluis FHIR_NO_NAME_IN_FORCE surname"},
		unlike: []string{"line 1 fatal ttp", "line 2 fatal ttp", "patient"},
	},
	{
		name: "14c-no-initials.csv",
		wants: append(eachLine("line %d fatal sluis INITIALS_MISSING initials", 2, 3, 4, 5), "counts read=14 created=10 rejected=4",
			"patient 700128 "),
		unlike: eachLine("line %d fatal sluis LINK", 2, 3, 4, 5),
	},
	{name: "06c-sqlcmd.csv", wants: []string{"counts read=6 created=6 rejected=0", "note TRAILING_LINES map[count:1]", "patient 700135 "},
		unlike: []string{"line"}},
	{name: "06d-sqlcmd-nl.csv", wants: []string{"counts read=6 created=6 rejected=0", "note TRAILING_LINES map[count:1]",
		"patient 700135 "}, unlike: []string{"line"}},
	{
		name: "16a-row-per-visit.csv",
		wants: []string{
			"line 3 fatal sluis ROW_WITHOUT_DETAILS patientNumber with [2]",
			"line 4 fatal sluis ROW_WITHOUT_DETAILS patientNumber with [2]",
			"line 16 fatal sluis ROW_WITHOUT_DETAILS patientNumber with [14]",
		},
		unlike: []string{"line 3 fatal ttp", "line 16 fatal ttp", "line 2 "},
	},
	{name: "18c-header-quoted-only.csv", wants: []string{"state refused", "refused HEADER_QUOTED"}, unlike: []string{"refused ONE_COLUMN"}},
}

// TestFHIRTooLong: a resource that is too large is refused in words of FHIR.
func TestFHIRTooLong(t *testing.T) {
	file := `{"resourceType":"Patient","identifier":[{"value":"1"}],"gender":"male","birthDate":"1970-03-02","name":[{"family":"` +
		strings.Repeat("a", 3<<20) + `"}]}`
	checkFaulty(t, ttptest.Start(t), faultyFile{name: "long.json",
		wants: []string{"state refused", "refused RECORD_TOO_LONG map[format:fhir line:1]"}}, file)
}

// TestFaultyPersons delivers neighbours of the faults in testdata/faults.
func TestFaultyPersons(t *testing.T) {
	const head, one, two = "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Tussenvoegsel;Voorletters\n", "1;2-3-1970;m;Jansen;;A\n",
		"2;2-3-1971;v;Bakker;;B\n"
	passed := []string{"counts read=1 created=1 rejected=0", "note TRAILING_LINES map[count:1]"}
	for file, f := range map[string]faultyFile{
		head + one + "(1 row affected)\n":           {name: "sqlcmd", wants: passed},
		head + one + "(1 rij betrokken)\n":          {name: "sqlcmd, Dutch", wants: passed},
		head + one + "(1 row)\n":                    {name: "psql", wants: passed},
		head + one + "1 row selected.\n":            {name: "Oracle", wants: passed},
		head + one + "1 row in set (0.00 sec)\n":    {name: "MySQL", wants: passed},
		head + one + "  1 record(s) selected.\n":    {name: "DB2", wants: passed},
		head + one + "(1,234 rows affected);;;;;\n": {name: "with empty cells", wants: passed},
		head + one + "\n(1 row affected)\n\nCompletion time: 2026-01-02T10:11:12.1234567+01:00\n": {
			name: "Management Studio", wants: []string{"counts read=1 created=1 rejected=0", "note TRAILING_LINES map[count:2]"},
		},
		head + one + "(1 row affected)\n" + two: {
			name: "in the middle", wants: []string{"counts read=3 created=2 rejected=1", "patient 1 ", "patient 2 "},
			unlike: []string{"note TRAILING_LINES"},
		},
		head + one + "(1 row);2-3-1971;v;Bakker;;B\n": {
			name: "a patient's number", wants: []string{"counts read=2 created=2", "patient (1 row) "},
			unlike: []string{"note TRAILING_LINES"},
		},
		head + one + "Totaal: 1\n": {name: "another line", wants: []string{"counts read=2 created=1 rejected=1"},
			unlike: []string{"note TRAILING_LINES"}},
		head + "1;2-3-1970;m;Jansen;;.\n" + two: {name: "a dot as initials",
			wants: []string{"line 2 fatal sluis INITIALS_MISSING initials"}},
		head + "1;;;;;\n" + one: {
			name: "details on the second", wants: []string{"line 2 fatal sluis ROW_WITHOUT_DETAILS patientNumber with [3]", "patient 1 "},
			unlike: []string{"line 2 fatal ttp", "line 3"},
		},
		head + "1;;;;;\n" + two: {name: "details nowhere", wants: []string{"line 2 fatal ttp 2101", "patient 2 "},
			unlike: []string{"line 2 fatal sluis"}},
		head + one + "1;;m;;;\n": {name: "some details", wants: []string{"line 3 fatal ttp 2101"},
			unlike: []string{"line 3 fatal sluis ROW_WITHOUT_DETAILS"}},
		`"` + head[:len(head)-1] + "\"\n\"" + one[:len(one)-1] + "\"\n":                                         {name: "all lines quoted", wants: []string{"refused LINES_QUOTED"}},
		`"` + strings.ReplaceAll(head[:len(head)-1], ";", ",") + "\"\n" + strings.ReplaceAll(one+two, ";", ","): {name: "commas", wants: []string{"refused HEADER_QUOTED"}},
		head + strings.ReplaceAll(one+two, ";", ","):                                                            {name: "another delimiter in the header", wants: []string{"refused ONE_COLUMN"}},
		strings.ReplaceAll(head+one, ";", "^"):                                                                  {name: "a strange delimiter", wants: []string{"refused ONE_COLUMN"}},
	} {
		t.Run(f.name, func(t *testing.T) { checkFaulty(t, ttptest.Start(t), f, file) })
	}
}
