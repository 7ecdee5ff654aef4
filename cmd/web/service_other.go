//go:build !windows

package main

import "errors"

var errNotWindows = errors.New("this is for Windows; here a unit of systemd does it (deploy/systemd, docs/operations.md)")

// Run says where to look.
func (installServiceCommand) Run() error { return errNotWindows }

// Run says where to look.
func (uninstallServiceCommand) Run() error { return errNotWindows }

// Run says where to look.
func (runServiceCommand) Run() error { return errNotWindows }
