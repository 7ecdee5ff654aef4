package bench

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2" // what writes a workbook as Excel does
)

// centre is the number of the centre that delivers.
const centre = "2809"

// person is a made-up person.
type person struct{ number, surname, initials, birth, sex string }

// made returns person i. No two are the same.
func made(i int) person {
	name := ""
	for x := i + 1000; x > 0; x /= 20 {
		name += string("bcdfghjklmnpqrstvwxz"[x%20])
	}
	day, month, year := i%28+1, i%12+1, 1930+i%80
	return person{
		number: fmt.Sprintf("P%07d", i), surname: name, initials: string(rune('a' + i%26)),
		birth: fmt.Sprintf("%d-%d-%d", day, month, year), sex: "mv"[i%2 : i%2+1],
	}
}

// files makes the files with one number of rows, before the time is measured.
type files struct {
	b    *testing.B
	dir  string // the folder of the sandbox whose keys make temporary pseudonyms
	rows int
}

// path returns the path of a file of a kind ("identities" or "temporary") in a format.
// It makes the file if it is not there yet.
func (f files) path(kind, format string) string {
	f.b.Helper()
	path := filepath.Join(f.dir, fmt.Sprintf("%s-%d.%s", kind, f.rows, format))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	var err error
	switch {
	case format == "xlsx":
		err = workbook(f.path(kind, "csv"), path)
	case format == "fhir":
		err = bundle(f.path(kind, "csv"), path)
	case kind == "temporary":
		// The sandbox plays the hospital: its own code makes the pseudonyms.
		cmd := exec.CommandContext(f.b.Context(), program, "sandbox", "pseudonymise", "--data", f.dir, f.path("identities", "csv"), path)
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			f.b.Log(string(out))
		}
	default:
		err = f.identities(path)
	}
	if err != nil {
		f.b.Fatal(err)
	}
	return path
}

func (f files) identities(path string) error {
	return write(path, func(w *bufio.Writer) error {
		_, err := w.WriteString("Centrum id;Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Tussenvoegsel;Voorletters\n")
		for i := range f.rows {
			p := made(i)
			_, err = fmt.Fprintf(w, "%s;%s;%s;%s;%s;de;%s\n", centre, p.number, p.birth, p.sex, p.surname, p.initials)
		}
		return err
	})
}

// isoDate turns d-m-yyyy into yyyy-mm-dd.
func isoDate(s string) string {
	p := strings.Split(s, "-")
	return fmt.Sprintf("%s-%02s-%02s", p[2], p[1], p[0])
}

// write writes a file through a buffer. The buffer keeps an error until the end, so
// that into need not look at each.
func write(path string, into func(w *bufio.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(into(w), w.Flush(), f.Close())
}

// table calls row for each row of a CSV of this package, with its cells by header.
func table(path string, row func(cells map[string]string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReaderSize(f, 1<<20))
	r.Comma, r.ReuseRecord = ';', true
	header, err := r.Read()
	if err != nil {
		return err
	}
	header = append([]string(nil), header...)
	cells := map[string]string{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for i, h := range header {
			cells[h] = record[i]
		}
		if err := row(cells); err != nil {
			return err
		}
	}
}

// workbook makes a workbook of a CSV, all cells text.
func workbook(from, to string) error {
	f := excelize.NewFile()
	defer f.Close()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	r := csv.NewReader(src)
	r.Comma = ';'
	for line := 1; ; line++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		row := make([]any, len(record))
		for i, c := range record {
			row[i] = c
		}
		if err := w.SetRow(fmt.Sprintf("A%d", line), row); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), f.SaveAs(to))
}

// bundle makes a FHIR Bundle of a CSV.
func bundle(from, to string) error {
	type object = map[string]any
	return write(to, func(w *bufio.Writer) error {
		_, _ = w.WriteString(`{"resourceType":"Bundle","type":"collection","entry":[`)
		first := true
		err := table(from, func(c map[string]string) error {
			if !first {
				_ = w.WriteByte(',')
			}
			first = false
			identifiers := []object{{"system": "https://ziekenhuis.example/patientnummer", "value": c["Patiëntnummer"]}}
			for _, t := range types {
				if v := c["Pseudoniem "+t]; v != "" {
					identifiers = append(identifiers, object{"system": "urn:sluis:temporary-pseudonym:" + t, "value": v})
				}
			}
			gender := "male"
			if c["Geslacht"] == "v" {
				gender = "female"
			}
			patient := object{
				"resourceType": "Patient", "identifier": identifiers, "gender": gender, "birthDate": isoDate(c["Geboortedatum"]),
			}
			if name := c["Achternaam"]; name != "" {
				patient["name"] = []object{{
					"use": "official", "family": "de " + name, "given": []string{strings.ToUpper(c["Voorletters"]) + "."},
					"_family": object{"extension": []object{
						{"url": "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix", "valueString": "de"},
						{"url": "http://hl7.org/fhir/StructureDefinition/humanname-own-name", "valueString": name},
					}},
				}}
			}
			raw, err := json.Marshal(object{"resource": patient})
			if err == nil {
				_, err = w.Write(raw)
			}
			return err
		})
		_, end := w.WriteString("]}")
		return errors.Join(err, end)
	})
}
