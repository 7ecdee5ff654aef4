package apperr

import "errors"

// IsStorage reports whether err says that the place where the database lies is in
// trouble, such as a full disk. Only an operator can mend that, and until then every
// part of the program meets the same error.
func IsStorage(err error) bool {
	var fault interface {
		error
		StorageFault() bool
	}
	return errors.As(err, &fault) && fault.StorageFault()
}
