package main

import (
	"os"
	"strings"
)

// checkSwap looks whether memory can get to a disk. Names are in memory for a moment.
func checkSwap(l *checklist) {
	raw, err := os.ReadFile("/proc/swaps")
	if err != nil {
		l.care("swap", "not known", "look yourself: memory must not get to a disk unencrypted")
		return
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if group, ok := strings.CutPrefix(strings.TrimSpace(string(own)), "0::"); err == nil && ok {
		if most, err := os.ReadFile("/sys/fs/cgroup" + group + "/memory.swap.max"); err == nil && //nolint:gosec // the kernel names it
			strings.TrimSpace(string(most)) == "0" {
			l.ok("swap", "not for this process (MemorySwapMax=0)")
			return
		}
	}
	open := 0
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
		device := strings.Fields(line)[0]
		if !strings.HasPrefix(device, "/dev/zram") && !strings.HasPrefix(device, "/dev/dm-") {
			open++
		}
	}
	if open > 0 {
		l.care("swap", "memory of this machine may be written to a disk, with names that are in it for a moment",
			"MemorySwapMax=0 in the service's unit (deploy/systemd has it), or swapoff, or encrypted swap")
		return
	}
	l.ok("swap", "none, or compressed or encrypted only")
}
