package importer_test

// personFaults are the files of testdata/faults whose fault is in whom a row is about.
var personFaults = []faultyFile{
	{name: "03za-fhir-nnnld.json", wants: []string{"state refused", "refused FHIR_BSN"}, unlike: []string{"patient", "refused BSN_COLUMN"}},
	{name: "15a-masked-bsn.json", wants: []string{"state done", "counts read=3 created=3", "patient 800100 ", "patient 800101 ", "patient 800102 "}, unlike: []string{"refused"}},
	{
		name: "15b-absent-and-merged.json",
		wants: []string{
			"note FHIR_REPLACED map[count:1]", "line 6 fatal sluis FHIR_PATIENT_REPLACED", "line 2 fatal ttp 2101", "line 5 fatal sluis PATIENT_NUMBER_EMPTY",
			"patient 800103 ", "patient 800109 ",
		},
		unlike: []string{"patient 800108 ", "note FHIR_INACTIVE"},
	},
	{
		name:   "15c-old-identifiers-and-names.json",
		wants:  []string{"state done", "counts read=5 created=5", "patient 900103 ", "patient 900104 ", "patient 800105 ", "patient 800106 ", "patient 800107 "},
		unlike: []string{"patient 800103 ", "patient 800104 ", "line"},
	},
	{name: "15j-fhir-number-value.json", wants: []string{"line 1 fatal sluis FHIR_NOT_TEXT patientNumber", "patient 800102 ", "patient 800103 "}, unlike: []string{"line 1 fatal sluis PATIENT_NUMBER_EMPTY"}},
	{
		name:   "15k-merged-pair.json",
		wants:  []string{"note FHIR_REPLACED map[count:1]", "line 1 fatal sluis FHIR_PATIENT_REPLACED", "patient 800104 ", "patient 800107 "},
		unlike: []string{"patient 800103 ", "line 2"},
	},
	{
		name:   "15l-temp-anonymous.json",
		wants:  []string{"line 1 fatal sluis FHIR_NO_NAME_IN_FORCE surname", "line 2 fatal sluis FHIR_NO_NAME_IN_FORCE surname"},
		unlike: []string{"line 1 fatal ttp", "line 2 fatal ttp", "patient"},
	},
}
