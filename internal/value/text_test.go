package value_test

import (
	"testing"

	"sluis/internal/value"
)

func TestGarbled(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "Müller": false, "João": false, "SÃO": false, "Åberg": false, "Ångström–Ä": false, "?": false, "A.?": false,
		"Jansen?": false, "\xff": false, "Ã": false,
		"MÃ¼ller": true, "JosÃ©": true, "Ã–zil": true, "BjÃ¸rn": true, "Ã…berg": true, "MÃƒÂ¼ller": true, "?zil": true, "M?ller": true,
		"van ?zil": true, "DesirÃ\u00a0": true,
	} {
		if value.Garbled(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
