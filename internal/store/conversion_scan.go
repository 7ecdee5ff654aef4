package store

import (
	"context"
	"errors"
)

// EachText calls each with every text and every blob in the database, table by table. It
// is for a database with files that Sluis cannot read. It reads row by row, so that no
// table is in memory as a whole.
func (s *Store) EachText(ctx context.Context, each func(table string, data []byte)) error {
	tables, err := s.gorm.Migrator().GetTables()
	if err != nil {
		return s.dialect.clean(err)
	}
	for _, table := range tables {
		if err := s.eachTextOf(ctx, table, each); err != nil {
			return s.dialect.clean(err)
		}
	}
	return nil
}

func (s *Store) eachTextOf(ctx context.Context, table string, each func(table string, data []byte)) (err error) {
	rows, err := s.sql.QueryContext(ctx, "SELECT * FROM "+table) //nolint:gosec // the schema's own names
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, at := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		at[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(at...); err != nil {
			return errors.New("a row cannot be read")
		}
		for _, v := range values {
			switch x := v.(type) {
			case string:
				each(table, []byte(x))
			case []byte:
				each(table, x)
			}
		}
	}
	return rows.Err()
}

// OwnWords returns names that Sluis keeps for itself: addresses of users, and names of
// tokens and centres.
func (s *Store) OwnWords(ctx context.Context) ([]string, error) {
	var out []string
	for _, x := range []struct{ table, column string }{{"users", "email"}, {"tokens", "name"}, {"centres", "name"}} {
		var list []string
		if err := s.read(ctx).Table(x.table).Pluck(x.column, &list).Error; err != nil {
			return nil, s.dialect.clean(err)
		}
		out = append(out, list...)
	}
	return out, nil
}
