package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// serviceCommands are for Windows, whose services are started by a manager of its own. On
// other systems there are units for systemd in deploy/systemd.
type serviceCommands struct {
	Install   installServiceCommand   `cmd:"" help:"Register the service: it starts with the machine, and again if it ends."`
	Uninstall uninstallServiceCommand `cmd:"" help:"Take the service out of the list; its data stay."`
	Run       runServiceCommand       `cmd:"" help:"What the manager starts: web serve, with its settings and its log in files."`
}

// serviceFiles are what a service of Windows has instead of an environment and a console.
type serviceFiles struct {
	Env string `required:"" placeholder:"FILE" help:"File with the settings, one NAME=value a line, as for systemd."`
	Log string `required:"" placeholder:"FILE" help:"File to which the log is appended."`
}

type (
	installServiceCommand   struct{ serviceFiles }
	uninstallServiceCommand struct{}
	runServiceCommand       struct{ serviceFiles }
)

// settingsFile returns the lines of a file of settings. Empty lines, and those that begin
// with #, are left out.
func settingsFile(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	defer func() { _ = f.Close() }()
	var env []string
	for in := bufio.NewScanner(f); in.Scan(); {
		line := strings.TrimSpace(strings.TrimPrefix(in.Text(), "\ufeff")) // Notepad's mark
		if line != "" && !strings.HasPrefix(line, "#") {
			env = append(env, line)
		}
	}
	return env, nil
}
