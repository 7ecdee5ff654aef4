package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestCacheFollowsTheSources looks at every file of which the program is built. Go's
// test cache reuses a result unless a file that the tests looked at has changed, and it
// does not see what the build in TestMain read.
func TestCacheFollowsTheSources(t *testing.T) {
	files := 0
	for _, root := range []string{"../cmd", "../internal", "../migrations", "../web", "../go.mod"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err != nil || d.IsDir() {
				return err
			}
			files++
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Fatalf("saw only %d files: are the folders still the right ones?", files)
	}
}
