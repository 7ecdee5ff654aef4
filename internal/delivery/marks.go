package delivery

import (
	"encoding/binary"
	"errors"
)

// PackMarks writes marks as the bytes that are kept with a chunk.
func PackMarks(list []Mark) []byte {
	b := make([]byte, 0, 1+len(list)*32)
	b = append(b, marksVersion)
	for _, m := range list {
		b = binary.AppendUvarint(b, uint64(m.Line)) // lines count from 1
		b = binary.AppendUvarint(b, uint64(len(m.Number)))
		b = append(b, m.Number...)
		b = binary.LittleEndian.AppendUint64(b, uint64(m.LinkHash))
		b = binary.LittleEndian.AppendUint64(b, uint64(m.ContentHash))
	}
	return b
}

const marksVersion = 1

var errMarks = errors.New("delivery: the marks of a chunk are damaged")

// UnpackMarks reads what PackMarks wrote.
func UnpackMarks(b []byte) ([]Mark, error) {
	if len(b) == 0 || b[0] != marksVersion {
		return nil, errMarks
	}
	text := string(b[1:]) // the numbers are parts of it
	b = b[1:]
	var list []Mark
	for at := 0; at < len(b); {
		line, n := binary.Uvarint(b[at:])
		if n <= 0 {
			return nil, errMarks
		}
		at += n
		size, n := binary.Uvarint(b[at:])
		if n <= 0 || size > uint64(len(b)) || at+n+int(size)+16 > len(b) {
			return nil, errMarks
		}
		at += n
		m := Mark{Line: int(line), Number: text[at : at+int(size)]}
		at += int(size)
		m.LinkHash = int64(binary.LittleEndian.Uint64(b[at:]))
		m.ContentHash = int64(binary.LittleEndian.Uint64(b[at+8:]))
		at += 16
		list = append(list, m)
	}
	return list, nil
}
