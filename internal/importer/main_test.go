package importer_test

import (
	"testing"

	"sluis/internal/store/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
