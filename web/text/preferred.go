package text

import (
	"strconv"
	"strings"
)

// Preferred returns the catalogue that an Accept-Language header asks for: that of the
// language with the greatest weight, the first of equals. It is Dutch if the header
// names no language of ours: "fr, en;q=0.5" is English, "fr" is Dutch.
func Preferred(acceptLanguage string) *Catalogue {
	chosen, best := Dutch, 0.0
	for choice := range strings.SplitSeq(acceptLanguage, ",") {
		tag, parameters, _ := strings.Cut(choice, ";")
		lang, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if lang == "*" {
			lang = Dutch
		}
		weight := 1.0
		if q, given := strings.CutPrefix(strings.TrimSpace(parameters), "q="); given {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if _, known := catalogues[lang]; known && weight > best {
			chosen, best = lang, weight
		}
	}
	return For(chosen)
}
