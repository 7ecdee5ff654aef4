package importer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"sluis/internal/delivery"
	"sluis/internal/ttpclient/ttptest"
)

func utf16le(s string, bom bool) string {
	var b strings.Builder
	if bom {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func TestExplore(t *testing.T) {
	ttp := ttptest.Start(t)
	good := "2809;1-1-1970;m;1;Jansen;;A\n"
	good2 := "2809;1-1-1971;v;2;Pietersen;;B\n"
	bsns := func(n, bad int) string {
		var b strings.Builder
		b.WriteString(head)
		i := 0
		for v := 100000000; i < n; v++ {
			sum := 0
			s := fmt.Sprint(v)
			for j, c := range s {
				w := 9 - j
				if j == 8 {
					w = -1
				}
				sum += w * int(c-'0')
			}
			if sum%11 != 0 {
				continue
			}
			if i < bad {
				s = "x" + s
			}
			fmt.Fprintf(&b, "2809;1-1-1970;m;%s;Naam%c;;A\n", s, 'a'+i%26)
			i++
		}
		return b.String()
	}
	for _, c := range []struct{ name, file string }{
		{"CR alone", strings.ReplaceAll(head+good+good2, "\n", "\r")},
		{"CRLF", strings.ReplaceAll(head+good+good2, "\n", "\r\n")},
		{"LF CR", strings.ReplaceAll(head+good+good2, "\n", "\n\r")},
		{"UTF-16LE no BOM", utf16le(head+good+good2, false)},
		{"UTF-16LE BOM", utf16le(head+good+good2, true)},
		{"UTF-16 odd length", utf16le(head+good+good2, true) + "x"},
		{"UTF-8 BOM twice", "\ufeff\ufeff" + head + good},
		{"win1252", strings.ReplaceAll(head, "ë", "\xeb") + "2809;1-1-1970;m;1;Jans\xe9n;;A\n"},
		{"utf8 then bad byte late", head + strings.Repeat(good, 1) + "2809;1-1-1970;m;3;Jans\xe9n;;A\n"},
		{"header only", head},
		{"header no newline", strings.TrimSpace(head)},
		{"blank lines", "\n\n\n\n"},
		{"blank lines with ;", ";;;;;;\n;;;;;;\n"},
		{"blank first", "\n\n;;;;;;\n" + head + "\n" + good + "\n\n" + good2 + "\n\n;;;;;;\n"},
		{"1MB field", head + "2809;1-1-1970;m;1;" + strings.Repeat("x", 1<<20) + ";;A\n" + good2},
		{"900k field", head + "2809;1-1-1970;m;1;" + strings.Repeat("x", 900<<10) + ";;A\n" + good2},
		{"100k columns header", strings.Repeat("a;", 100_000) + "\n" + good},
		{"100k columns row", head + strings.Repeat("a;", 100_000) + "\n" + good},
		{"NUL in row", head + "2809;1-1-1970;m;1;Jan\x00sen;;A\n" + good2},
		{"NUL after 64k", head + strings.Repeat(good, 3000) + "2809;1-1-1970;m;1;Jan\x00sen;;A\n"},
		{"unclosed quote", head + "2809;1-1-1970;m;1;\"Jansen;;A\n" + good2},
		{"unclosed quote, last row", head + good2 + "2809;1-1-1970;m;1;\"Jansen;;A\n"},
		{"unclosed quote, last cell of the last row", head + good2 + "2809;1-1-1970;m;1;Jansen;;\"A\n"},
		{"unclosed quote in last cell, more rows", head + "2809;1-1-1970;m;1;Jansen;;\"A\n" + good2 + "2809;1-1-1971;v;3;Pieters;;B\n"},
		{"quote in the middle", head + "2809;1-1-1970;m;1;Jan\"sen;;A\n" + good2},
		{"quotes doubled", head + "2809;1-1-1970;m;1;\"Jan\"\"sen\";;A\n" + good2},
		{"quoted semicolon", head + "2809;1-1-1970;m;1;\"Jansen;de\";;A\n" + good2},
		{"bare semicolon in name", head + "2809;1-1-1970;m;1;Jansen;de;;A\n" + good2},
		{"newline in name", head + "2809;1-1-1970;m;1;\"Jan\nsen\";;A\n2809;;v;2;Pietersen;;B\n"},
		{"dup headers", strings.Replace(head, "Tussenvoegsel", "Achternaam", 1) + good},
		{"64", head + "2809;1-1-1970;m;" + strings.Repeat("n", 64) + ";Jansen;;A\n"},
		{"65", head + "2809;1-1-1970;m;" + strings.Repeat("n", 65) + ";Jansen;;A\n"},
		{"emoji", head + "2809;1-1-1970;m;🙂1;Jansen;;A\n2809;1-1-1970;m;2;🙂;;A\n"},
		{"comma", strings.ReplaceAll(head+good+good2, ";", ",")},
		{"tab", strings.ReplaceAll(head+good+good2, ";", "\t")},
		{"sep", "sep=;\n" + head + good},
		{"sep,", "sep=,\r\n" + strings.ReplaceAll(head+good, ";", ",")},
		{"one column", "Patiëntnummer\n1\n2\n"},
		{"title row first", "Aanlevering maart 2026\n" + head + good},
		{"title row first ;", "Aanlevering maart 2026;;;;;;\n" + head + good},
		{"random", "sdfkjh sdkfjh skdjfh\nsdf sdf sdf\n"},
		{"json", `[{"a":1}]`},
		{"zip", "PK\x03\x04abc"},
		{"spaces", "   \n  \t \n"},
		{"nbsp only", "\u00a0\n"},
		{"BSN 10/10", bsns(10, 0)},
		{"BSN 9/10", bsns(10, 1)},
		{"BSN 8/10", bsns(10, 2)},
		{"BSN 9/9", bsns(9, 0)},
		{"leading quote header", "\"" + head + good},
		{"header quoted all", "\"Centrum id\";\"Geboortedatum\";\"Geslacht\";\"Patiëntnummer\";\"Achternaam\";\"Tussenvoegsel\";\"Voorletters\"\n\"2809\";\"1-1-1970\";\"m\";\"1\";\"Jansen\";\"\";\"A\"\n"},
		{"excel formula numbers", head + "2809;1-1-1970;m;=\"0123\";Jansen;;A\n"},
		{"trailing ;", strings.ReplaceAll(head+good+good2, "\n", ";;;\n")},
		{"ctrl-Z end", head + good + "\x1a"},
		{"form feed", head + good + "\f\n"},
		{"truncated last row", head + good + "2809;1-1-19"},
		{"vertical bar", strings.ReplaceAll(head+good, ";", "|")},
		{"mixed number twins é nfc/nfd", head + "2809;1-1-1970;m;é;Jansen;;A\n2809;1-1-1971;m;e\u0301;Pieters;;A\n"},
		{"zero width", head + "2809;1-1-1970;m;1\u200b;Jansen;;A\n"},
		{"bidi", head + "2809;1-1-1970;m;1\u202e;Jansen;;A\n"},
		{"line sep", head + "2809;1-1-1970;m;1\u2028x;Jansen;;A\n"},
		{"FFFD", head + "2809;1-1-1970;m;1\ufffd;Jansen;;A\n"},
		{"date with spaces", head + "2809; 1-1-1970 ; m ; 1 ; Jansen ;; A \n"},
	} {
		p := newPlantAt(t, ttp, 500, time.Now)
		start := time.Now()
		id := p.receive(t, delivery.Save, true, c.file)
		p.settle(t)
		d := p.delivery(t, id)
		var say []string
		for i, f := range p.findings(t, id) {
			if i < 4 {
				say = append(say, fmt.Sprintf("%d:%s/%s(%s)", f.Line, f.Code, f.Field, f.Message))
			}
		}
		t.Logf("%-30s %-8s %s r%d c%d u%d rej%d rev%d  %v notes %v  %v %v", c.name, d.State, d.Kind, d.Counts.Read, d.Counts.Created, d.Counts.Unchanged, d.Counts.Rejected, d.Counts.Review, d.Refusals, d.Notes, say, time.Since(start).Round(time.Millisecond))
		_ = p.store.Close()
	}
}
