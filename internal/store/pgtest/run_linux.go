package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// run makes a server in dir and starts it. stop stops it, and returns when it is gone.
func run(bin, dir string) (stop func(), err error) {
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		account, err := user.Lookup("postgres")
		if err != nil {
			return nil, fmt.Errorf("no account to run the server: %w", err)
		}
		uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(errUID, errGID, os.Chown(dir, int(uid), int(gid))); err != nil {
			return nil, err
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command( //nolint:gosec // Debian's own
		filepath.Join(bin, "initdb"), "--no-sync", "--no-instructions", "--auth=trust", "--username=sluis", "--encoding=UTF8",
		"--locale=C.UTF-8", "--pgdata="+data)
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if said, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, said)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the server has its own
	settings := []string{"listen_addresses=", "unix_socket_directories=" + dir, "fsync=off", "full_page_writes=off", "max_connections=200",
		"shared_buffers=64MB", "max_wal_size=4GB", "checkpoint_timeout=1h", "log_min_messages=warning"}
	args := []string{"-D", data}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	server := exec.Command(filepath.Join(bin, "postgres"), args...) //nolint:gosec // Debian's own
	server.Dir, server.Stdout, server.Stderr = dir, log, log
	// If this process dies, however it does, the kernel stops the server.
	end := *attr
	end.Pdeathsig = syscall.SIGQUIT
	server.SysProcAttr = &end
	started, gone := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the kernel watches the thread that started it
		started <- server.Start()
		_ = server.Wait()
		close(gone)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		<-gone
	}, nil
}
