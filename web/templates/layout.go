package templates

// pageTitle returns the text of the browser's tab.
func pageTitle(p Page, title string, wrong bool) string {
	s := title + " – " + p.T.T("service.name")
	if wrong {
		s = p.T.T("form.error_prefix") + " " + s
	}
	return s
}

// flashRole returns the role of a message. A screen reader says a success at once, and
// a notice only when its user comes to it.
func flashRole(f *Flash) string {
	if f.Success {
		return "alert"
	}
	return "region"
}

// orDash returns s, or a dash if it is empty: an empty cell looks like a mistake.
func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
