package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
)

// version and commit are set by the linker when a release is made (make release). Without
// them the commit is what Go wrote into the program, if it was built in a repository.
var version, commit string

// build says which program this is.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Short is the version for the foot of a page.
func (b build) Short() string {
	if len(b.Commit) >= 7 {
		return b.Version + " (" + b.Commit[:7] + ")"
	}
	return b.Version
}

// thisBuild returns what this program was built from.
var thisBuild = sync.OnceValue(func() build {
	b := build{Version: version, Commit: commit}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Go = info.GoVersion
		changed := false
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && b.Commit == "":
				b.Commit = s.Value
			case s.Key == "vcs.modified":
				changed = s.Value == "true"
			}
		}
		if changed && commit == "" && b.Commit != "" {
			b.Commit += "+changes"
		}
	}
	if b.Version == "" {
		b.Version = "unreleased"
	}
	if b.Commit == "" {
		b.Commit = "unknown"
	}
	return b
})

// versionCommand says which program this is.
type versionCommand struct {
	JSON bool `help:"Print it as JSON."`
}

// Run prints it.
func (v versionCommand) Run(c console) error {
	b := thisBuild()
	if v.JSON {
		return json.NewEncoder(c.out).Encode(b)
	}
	_, err := fmt.Fprintf(c.out, "sluis %s\ncommit %s\n%s\n", b.Version, b.Commit, b.Go)
	return err
}
