package intake

import (
	"errors"
	"io"

	"sluis/internal/importer/intake/tabular"
)

// headBytes is how much of a file is looked at to tell its format.
const headBytes = 64 << 10

// open tells the format of a file by what it holds, whatever its name says. A
// file that cannot be read is a *tabular.Error.
func (p *parse) open() (tabular.Source, error) {
	head := make([]byte, min(headBytes, p.file.size))
	defer clear(head)
	if _, err := p.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return tabular.OpenCSV(p.file, p.file.size, p.in.Limits)
}
