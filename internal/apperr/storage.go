package apperr

import "errors"

// IsStorage reports whether err says that the storage of the database has a fault, such as
// a full disk. Only an operator can mend that, and until then every part of the program
// meets the same error.
func IsStorage(err error) bool {
	var fault interface {
		error
		StorageFault() bool
	}
	return errors.As(err, &fault) && fault.StorageFault()
}
