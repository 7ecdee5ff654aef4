package text_test

import (
	"testing"

	"sluis/web/text"
)

func TestPreferred(t *testing.T) {
	for header, want := range map[string]string{
		"": "nl", "en": "en", "nl": "nl", "EN-gb": "en", "en-US,en;q=0.9,nl;q=0.8": "en", "nl-NL,nl;q=0.9,en;q=0.8": "nl",
		"en;q=0.5, nl": "nl", "nl;q=0.1,en;q=0.2": "en", "fr, en;q=0.5": "en", "fr": "nl", "*": "nl", "*,en;q=0.5": "nl",
		"nl;q=0,en;q=0.1": "en", "en;q=0": "nl", "en;q=x": "nl", "english": "nl", ";;,,=": "nl", "en;q=NaN": "nl",
	} {
		if got := text.Preferred(header).Lang(); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
