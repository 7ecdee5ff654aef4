package tabular

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
)

const (
	maxEntries     = 10_000  // files in the zip
	maxRelations   = 10_000  // of one part
	directoryBytes = 4 << 20 // of the zip's directory: archive/zip holds all of it
	blockBytes     = 64 << 10
)

// errDirectory ends a zip whose directory is longer than any workbook's.
var errDirectory = errors.New("zip directory too long")

// readerAt is the file beneath the zip. It remembers the reader's own first error,
// which archive/zip and encoding/xml may hide, and reads in blocks, since inflating
// asks for a few KiB at a time and a sealed file opens a block for each.
type readerAt struct {
	r     io.ReaderAt
	size  int64
	err   error // of r, but io.EOF
	block []byte
	start int64 // of block
	quota int64 // bytes that may still be asked for; 0 for no bound
}

func (a *readerAt) ReadAt(p []byte, off int64) (int, error) {
	if a.quota > 0 {
		if a.quota -= int64(len(p)); a.quota <= 0 {
			a.quota = 1
			return 0, errDirectory
		}
	}
	n := 0
	for n < len(p) {
		if off+int64(n) < 0 || off+int64(n) >= a.size {
			return n, io.EOF
		}
		if err := a.load(off + int64(n)); err != nil {
			return n, err
		}
		n += copy(p[n:], a.block[off+int64(n)-a.start:])
	}
	return n, nil
}

// load makes block the one that holds the byte at off.
func (a *readerAt) load(off int64) error {
	if a.err != nil {
		return a.err
	}
	if off >= a.start && off < a.start+int64(len(a.block)) {
		return nil
	}
	if a.block == nil {
		a.block = make([]byte, blockBytes)
	}
	a.start = off - off%blockBytes
	block := a.block[:min(blockBytes, a.size-a.start)]
	n, err := a.r.ReadAt(block, a.start)
	a.block = block[:n]
	if n == len(block) {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		a.err = err
	}
	if off < a.start+int64(n) && a.err == nil {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// fail returns the error to report for err: preferably the reader's own.
func (a *readerAt) fail(err error, line int) error {
	if a.err != nil {
		return a.err
	}
	return asBroken(err, line)
}

// pack is the zip of parts that an Office file is. A name is nil if several
// entries have it: programs differ in which of them they read.
type pack struct {
	at    *readerAt
	parts map[string]*zip.File
	aux   int64 // bytes of a part other than a sheet and the shared texts
}

// openPack reads the directory of the zip, and nothing that it says of sizes is trusted.
func openPack(at *readerAt, size int64, limits Limits) (*pack, error) {
	at.quota = directoryBytes
	z, err := zip.NewReader(at, size)
	at.quota = 0
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are looked up, never written to
		return nil, err
	}
	if len(z.File) > maxEntries {
		return nil, errBroken
	}
	p := &pack{at: at, parts: make(map[string]*zip.File, len(z.File)), aux: min(auxExpanded, limits.Expanded)}
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, &Error{Code: Encrypted}
		}
		name := partName(f.Name)
		if _, twice := p.parts[name]; twice {
			f = nil
		}
		p.parts[name] = f
	}
	return p, nil
}

// partName makes names alike that Excel holds to be the same.
func partName(name string) string {
	return strings.ToLower(strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/"))
}

func (p *pack) has(name string) bool { _, ok := p.parts[name]; return ok }

// find returns a part by its name.
func (p *pack) find(name string) (*zip.File, error) {
	f := p.parts[name]
	if f == nil && strings.Contains(name, "%") && !p.has(name) {
		if plain, err := url.PathUnescape(name); err == nil {
			f = p.parts[partName(plain)]
		}
	}
	if f == nil {
		return nil, errBroken
	}
	return f, nil
}

// open returns the content of a part, at most limit bytes of it.
func (p *pack) open(name string, limit int64) (*expanded, error) {
	f, err := p.find(name)
	if err != nil {
		return nil, err
	}
	rc, err := f.Open()
	if err != nil {
		return nil, err
	}
	return &expanded{ReadCloser: rc, left: limit}, nil
}

// expanded is a part while it is inflated, up to a limit.
type expanded struct {
	io.ReadCloser
	left int64
}

func (e *expanded) Read(p []byte) (int, error) {
	if e.left < 0 {
		return 0, errTooExpanded
	}
	n, err := e.ReadCloser.Read(p[:min(int64(len(p)), e.left+1)])
	if e.left -= int64(n); e.left < 0 {
		return 0, errTooExpanded
	}
	return n, err
}

// relation is what a part says of another: its kind by the last word of its type's
// URI, which is the same in all editions of the standard.
type relation struct {
	id, kind, target string
	external         bool
}

// relations are those of one part, in its order; of several alike the first counts.
type relations []relation

func (r relations) byID(id string) (relation, bool) {
	return r.find(func(rel relation) bool { return rel.id == id })
}

// first returns the first of a kind whose target is in the file.
func (r relations) first(kind string) (relation, bool) {
	return r.find(func(rel relation) bool { return rel.is(kind) && !rel.external })
}

func (r relations) find(is func(relation) bool) (relation, bool) {
	i := slices.IndexFunc(r, is)
	if i < 0 {
		return relation{}, false
	}
	return r[i], true
}

func (r relation) is(kind string) bool { return strings.EqualFold(r.kind, kind) }

// main finds the workbook's own part, or says what the file is instead.
func (p *pack) main() (string, error) {
	name := "xl/workbook.xml"
	if p.has(relationsOf("")) {
		rels, err := p.relations("")
		if err != nil {
			return "", err
		}
		if rel, ok := rels.first("officeDocument"); ok {
			name = rel.target
		}
	}
	switch {
	case strings.HasSuffix(name, ".bin"), !p.has(name) && p.has("xl/workbook.bin"):
		return "", &Error{Code: BinaryWorkbook}
	case p.has(name):
		return name, nil
	}
	for part := range p.parts {
		if strings.HasPrefix(part, "xl/") {
			return "", errBroken
		}
	}
	return "", &Error{Code: OtherDocument}
}

// relationsOf names the part that holds the relations of a part.
func relationsOf(part string) string {
	dir, base := path.Split(part)
	return dir + "_rels/" + base + ".rels"
}

// relations returns the relations of a part, or those of the file itself if part is empty.
func (p *pack) relations(part string) (relations, error) {
	dir, _ := path.Split(part)
	t, err := p.tokens(relationsOf(part), p.aux, auxToken)
	if err != nil {
		return nil, err
	}
	defer t.close()
	var rels relations
	for {
		tok, err := t.next()
		if errors.Is(err, io.EOF) {
			return rels, nil
		}
		if err != nil {
			return nil, err
		}
		start, ok := tok.(xml.StartElement)
		if !ok || start.Name.Local != "Relationship" || t.depth() != 2 {
			continue
		}
		if len(rels) == maxRelations {
			return nil, errBroken
		}
		rel := relation{
			id:       attr(start, "Id"),
			kind:     path.Base(attr(start, "Type")),
			external: strings.EqualFold(attr(start, "TargetMode"), "External"),
		}
		if target := strings.ReplaceAll(attr(start, "Target"), `\`, "/"); !rel.external {
			if !strings.HasPrefix(target, "/") {
				target = path.Join(dir, target)
			}
			rel.target = partName(path.Clean(target))
		}
		rels = append(rels, rel)
	}
}
