package tabular

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
)

// entryBytes is the length of a directory entry of an OLE compound file, and what
// all of them are aligned to.
const entryBytes = 128

// compound returns an error that says what an OLE compound file is. Office before 2007 wrote
// all documents in this form, and Office of today those with a password. compound looks at
// the names of the streams. It searches the whole file for their entries, because the chain
// of sectors that leads to them may be broken.
func compound(r io.ReaderAt, size int64) error {
	var encrypted, workbook, other bool
	block := make([]byte, blockBytes)
	for off := int64(0); off < size; off += blockBytes {
		n, err := r.ReadAt(block, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for b := block[:n]; len(b) >= entryBytes; b = b[entryBytes:] {
			switch streamName(b) {
			case "EncryptedPackage":
				encrypted = true
			case "Workbook", "Book":
				workbook = true
			case "WordDocument", "PowerPoint Document": // which may hold a workbook
				other = true
			}
		}
		if n < len(block) {
			break
		}
	}
	switch {
	case encrypted:
		return &Error{Code: Encrypted}
	case workbook && !other:
		return &Error{Code: OldWorkbook}
	}
	return &Error{Code: OtherDocument}
}

// streamName returns the name of a directory entry if it is a stream's, else "":
// 64 bytes of UTF-16 that end in NUL, their length in bytes, and the entry's type.
func streamName(entry []byte) string {
	const stream = 2
	length := int(binary.LittleEndian.Uint16(entry[64:]))
	if entry[66] != stream || length < 4 || length > 64 || length%2 != 0 {
		return ""
	}
	units := make([]uint16, 0, 32)
	for i := 0; i < length-2; i += 2 {
		units = append(units, binary.LittleEndian.Uint16(entry[i:]))
	}
	return string(utf16.Decode(units))
}
