package importer_test

// dateFaults are the files of testdata/faults whose fault is in what a date is.
var dateFaults = []faultyFile{
	{name: "13e-swapped-cells.xlsx", wants: []string{"state refused", "refused DATES_SWAPPED map[column:Geboortedatum]"}, unlike: []string{"patient"}},
	{name: "17d-ampm-ambiguous.csv", wants: []string{"state refused", "refused DATES_ORDER_OPEN map[column:Geboortedatum]"}, unlike: []string{"patient"}},
	{name: "17e-month-name-midnight.csv", wants: []string{"counts read=8 created=8 rejected=0 review=0"}},
	{name: "17f-xsd-date-zone.csv", wants: []string{"counts read=4 created=4 rejected=0 review=0"}},
	{name: "07c-sas-date9.csv", wants: []string{"state done", "patient 700100 1950-01-13 m", "patient 700177 1961-12-24 v"}},
	{name: "21j-mostly-1-sex.csv", wants: []string{"state refused", "refused SEX_ZERO_ONE map[column:Geslacht]"}, unlike: []string{"patient"}},
	{name: "07i-sas-days-children.xlsx", wants: []string{"note BIRTHS_NUMBERED"}},
	{name: "07l-excel-serials-unformatted.xlsx", wants: []string{"note BIRTHS_NUMBERED"}},
	{name: "04a-moments.xlsx", wants: []string{"line 2 fatal sluis BIRTH_DATE_TIME birthDate"}, unlike: []string{"line 2 fatal sluis BIRTH_DATE_UNREADABLE"}},
	{name: "14a-brp-unknown.csv", wants: []string{
		"state confirm", "counts read=14 created=0", "line 2 fatal sluis BIRTH_DATE_PARTIAL", "line 8 fatal sluis BIRTH_DATE_PARTIAL", "line 15 fatal sluis BIRTH_DATE_PARTIAL",
	}, unlike: []string{"line 2 fatal ttp", "patient"}},
}
