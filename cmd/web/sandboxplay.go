package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"sluis/internal/ttpsandbox"
)

// faultCommand breaks and mends the TTP of a running demonstration.
type faultCommand struct {
	Data   string `default:"./data" help:"Folder of the demonstration whose TTP it is."`
	Faults string `arg:"" optional:"" help:"Such as down, or latency=200ms,503=10%%. Without it all faults go."`
}

// Run writes the faults into the file that the running sandbox reads.
func (f faultCommand) Run(c console) error {
	if _, err := ttpsandbox.ParseFaults(f.Faults); err != nil {
		return err
	}
	if err := hasSandbox(f.Data); err != nil {
		return err
	}
	path := filepath.Join(f.Data, "ttp", faultFile)
	if f.Faults == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		fmt.Fprintln(c.out, "The TTP works as it should.")
		return nil
	}
	if err := os.WriteFile(path, []byte(f.Faults+"\n"), 0o600); err != nil {
		return err
	}
	fmt.Fprintln(c.out, "The TTP has faults:", f.Faults)
	return nil
}

// rotateCommand turns the TTP's keys.
type rotateCommand struct {
	Data string `default:"./data" help:"Folder of the demonstration whose TTP it is."`
}

// Run makes new keys; a running sandbox uses them within a second.
func (r rotateCommand) Run(c console) error {
	box, err := idleSandbox(r.Data)
	if err != nil {
		return err
	}
	n, err := box.RotateDomainKeys()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The TTP makes definitive pseudonyms under key version %d now.\n", n)
	return nil
}

// datasetCommand plays a hospital that sends its file to the TTP.
type datasetCommand struct {
	Data   string `default:"./data" help:"Folder of the demonstration whose TTP it is."`
	Centre string `required:"" help:"Number of the centre whose patients they are, such as 2809."`
	In     string `arg:"" help:"CSV with identities."`
}

// Run puts the pseudonymised rows ready for the registry.
func (d datasetCommand) Run(ctx context.Context, c console) error {
	box, err := idleSandbox(d.Data)
	if err != nil {
		return err
	}
	in, err := os.Open(d.In)
	if err != nil {
		return err
	}
	defer in.Close()
	id, rows, refused, err := box.AddDataset(ctx, d.Centre, in, ttpsandbox.Order{})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Dataset %s of centre %s is ready at the TTP: %d rows, %d refused\n", id, d.Centre, rows, refused)
	return nil
}

// idleSandbox returns the TTP of a demonstration, to work with its keys while it may be
// running. The secrets play no part: nobody signs in.
func idleSandbox(data string) (*ttpsandbox.Sandbox, error) {
	if err := hasSandbox(data); err != nil {
		return nil, err
	}
	return newSandbox(data, "unused-here", "unused-there", "", slog.New(slog.DiscardHandler))
}
