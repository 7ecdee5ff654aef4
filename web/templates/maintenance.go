package templates

// Maintenance is GET and POST /onderhoud.
type Maintenance struct {
	Page
	Rows []MaintenanceRow
	// What was filled in.
	Subjects          []Option
	From, Until, Note string
	Errors            []FieldError
}

// MaintenanceRow is one announced window.
type MaintenanceRow struct {
	What, From, Until, Note, By string
	Going                       bool
	CancelHref                  string
}

// Notice is one announced window, as those who deliver see it.
type Notice struct {
	Going      bool
	Text, Note string
}
