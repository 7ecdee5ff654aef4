package main

import (
	"context"
	"errors"
	"fmt"

	"sluis/internal/conversion"
	"sluis/internal/patient"
)

// verifyCommand compares the old table with what was registered.
type verifyCommand struct {
	conversionFlags
	Sample int `default:"500" help:"So many stored rows, drawn at random, are exchanged a second time."`
}

// Run prints the differences, and the next command if there are none.
func (x verifyCommand) Run(ctx context.Context, c console) error {
	s, err := x.open(ctx, c, need{ttp: true, mapping: conversion.LastMapping})
	if err != nil {
		return err
	}
	defer s.close()
	v, err := s.conv.Verify(ctx, max(0, x.Sample))
	if down, ok := errors.AsType[*patient.UnavailableError](err); ok {
		return fmt.Errorf("the TTP cannot be used now, so that no second exchange could be made (%w): run this again", down)
	} else if err != nil {
		return err
	}
	for _, x := range v.Centres {
		s.say("centre %-8s old rows %s, stored %s, rejected %s, to be judged %s", x.Centre, words.Number(x.Rows),
			words.Number(x.Counts.Stored()), words.Number(x.Counts.Rejected), words.Number(x.Counts.Review))
	}
	s.say("%s old rows: %s stored as %s patients, %s rejected (%d of no known centre), %s to be judged", words.Number(v.Rows),
		words.Number(v.Stored), words.Number(v.Patients), words.Number(v.Rejected), v.Strays, words.Number(v.Review))
	s.say("display set compared of %s rows, %s changed by a delivery since; %s exchanged a second time",
		words.Number(v.Stored-v.Later), words.Number(v.Later), words.Number(v.Sampled))
	for _, t := range v.Faults {
		s.say("! %7s  %s", words.Number(t.Count), faultText(t))
	}
	for i, p := range v.Problems {
		if i == 20 {
			s.say("  … the others are on the console")
			break
		}
		s.say("  patid %s: %s", p.OldKey, p.Code)
	}
	if !v.Clean() {
		return attend("the verification is not clean")
	}
	s.say("The verification is clean. The recommended way is a new database; --way inplace is the other one.")
	s.say("Next: %s", s.command("erase", "--way", "new"))
	return nil
}

func faultText(t conversion.Tally) string {
	out := words.T("existing.fault." + t.Code)
	if t.Field != "" && words.Has("field."+t.Field) {
		out += " (" + words.T("field."+t.Field) + ")"
	}
	return out
}
