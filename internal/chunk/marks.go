package chunk

// Mark is what deciding compares between the rows of one file. It holds hashes of
// pseudonyms and never a pseudonym, so that it need not be sealed.
type Mark struct {
	Line        int
	Number      string
	LinkHash    int64 // of the linking pseudonym; 0 if the row has none
	ContentHash int64 // of display set and pseudonyms
}

// PackMarks packs the marks that are kept with a chunk of definitive pseudonyms.
// Unlike packed rows they have no count in front: they go on to the end.
func PackMarks(list []Mark) []byte {
	w := NewWriter(1 + len(list)*32)
	for _, m := range list {
		w.uint(uint64(m.Line)) // lines count from 1
		w.String(m.Number)
		w.fixed(uint64(m.LinkHash))
		w.fixed(uint64(m.ContentHash))
	}
	return w.Bytes()
}

// UnpackMarks reads what PackMarks wrote.
func UnpackMarks(b []byte) ([]Mark, error) {
	var list []Mark
	r := NewReader(b)
	for r.more() {
		list = append(list, Mark{Line: int(r.uint()), Number: r.String(), LinkHash: int64(r.fixed()), ContentHash: int64(r.fixed())})
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return list, nil
}
