package templates

// pageTitle is the text of the browser's tab.
func pageTitle(p Page, title string, wrong bool) string {
	s := title + " – " + p.T.T("service.name")
	if wrong {
		s = p.T.T("form.error_prefix") + " " + s
	}
	return s
}

// flashRole makes a screen reader say at once that something succeeded, and
// leaves a notice for when it is come across.
func flashRole(f *Flash) string {
	if f.Success {
		return "alert"
	}
	return "region"
}

// orDash is a value, or a dash where there is none: an empty cell looks like a
// mistake.
func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
