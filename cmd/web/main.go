// Command web is Sluis: the demonstration, the real service, and the commands of those
// who run it. It is the only place where all parts meet.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong" // subcommands and their help from one struct
)

func main() {
	if err := refuseDumps(); err != nil {
		fmt.Fprintln(os.Stderr, "web: this system may write the program's memory to a core dump:", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// console is the environment and the streams of a command.
type console struct {
	env []string
	in  io.Reader
	out io.Writer
	err io.Writer
}

// run is the whole program, and returns its exit code. Tests call it as main does.
func run(ctx context.Context, args, env []string, in io.Reader, out, errOut io.Writer) int {
	var cli commands
	exit := -1
	parser, err := kong.New(&cli, kong.Name("web"), kong.Description("Sluis delivers patients to a quality registry under pseudonym."),
		kong.Writers(out, errOut), kong.Exit(func(code int) { exit = code }), kong.UsageOnError(),
		kong.Bind(console{env, in, out, errOut}), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		fmt.Fprintln(errOut, "web:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if exit >= 0 { // --help was asked for and printed
		return exit
	}
	if err != nil {
		fmt.Fprintf(errOut, "web: %v\nTry: web --help\n", err)
		return 2
	}
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		if _, ok := errors.AsType[errLogged](err); ok {
			return 1
		}
		fmt.Fprintln(errOut, "web:", err)
		if _, ok := errors.AsType[attention](err); ok {
			return exitAttention
		}
		return 1
	}
	return 0
}

// commands are the subcommands.
type commands struct {
	Demo    demoCommand  `cmd:"" help:"Start everything on this machine with embedded defaults and made-up accounts."`
	Serve   serveCommand `cmd:"" help:"Start the real service, configured by SLUIS_… environment variables."`
	Sandbox struct {
		Serve        sandboxServeCommand `cmd:"" default:"withargs" help:"Serve only the stand-in TTP."`
		Fault        faultCommand        `cmd:"" help:"Break and mend the TTP of a running demonstration or sandbox."`
		Rotate       rotateCommand       `cmd:"" help:"Turn the TTP's keys: definitive pseudonyms get a new key version."`
		Dataset      datasetCommand      `cmd:"" help:"Play the hospital: put a pseudonymised file ready at the TTP as a dataset."`
		Pseudonymise pseudonymiseCommand `cmd:"" help:"Play the hospital: turn a CSV with identities into one with temporary pseudonyms."`
	} `cmd:"" help:"The stand-in for the TTP."`
	Pseudonyms struct {
		Renew  renewCommand   `cmd:"" help:"Fetch the values of all pseudonyms under the TTP's newest key, and keep the old ones too."`
		Status renewalCommand `cmd:"" help:"Say how far the latest renewal is."`
	} `cmd:"" help:"The pseudonyms that are stored."`
	Conversion conversionCommands `cmd:"" name:"existing" help:"The registry's existing patients: from its old table to pseudonyms, once (docs/conversion.md)."`
	Keyring    struct {
		Rotate rotateKeyringCommand `cmd:"" help:"Make a new wrapping key now, while the service runs."`
		GiveUp giveUpCommand        `cmd:"" help:"End the deliveries whose key is lost, as failed."`
	} `cmd:"" help:"The keyring of the real service."`
	Audit       auditCommands       `cmd:"" help:"The access log."`
	Doctor      doctorCommand       `cmd:"" help:"Examine the machine and everything around the service, and say what to do."`
	Backup      backupCommand       `cmd:"" help:"Make a backup of the database, while the service runs (docs/restore.md)."`
	Restore     restoreCommand      `cmd:"" help:"Put a backup in the place of the database, and say what was lost."`
	Check       checkCommand        `cmd:"" help:"Examine the database or a backup: integrity, sums of deliveries, keyring, access log."`
	Maintenance maintenanceCommands `cmd:"" help:"Announced silence: planned maintenance of the TTP or of Sluis."`
	Service     serviceCommands     `cmd:"" help:"The real service as a service of Windows."`
	Version     versionCommand      `cmd:"" help:"Say which program this is: version, commit, and what it was built with."`
	Migrate     migrateCommand      `cmd:"" help:"Bring the database's schema up to date; the service does so too when it starts."`
	User        struct {
		Add      addUserCommand     `cmd:"" help:"Add a user."`
		Invite   inviteUserCommand  `cmd:"" help:"Add a user who sets a password with a one-time link."`
		List     listUsersCommand   `cmd:"" help:"List the users."`
		Disable  disableUserCommand `cmd:"" help:"Keep a user out, and sign the user out everywhere."`
		Enable   enableUserCommand  `cmd:"" help:"Let a disabled user in again."`
		Role     setRolesCommand    `cmd:"" help:"Replace the roles of a user."`
		Password setPasswordCommand `cmd:"" help:"Replace the password of a user."`

		ResetFactors resetFactorsCommand `cmd:"" help:"Remove the second factor of a user who lost it; the next sign-in sets up a new one."`
	} `cmd:"" help:"Users of the real service."`
	Mail struct {
		Test testMailCommand `cmd:"" help:"Send a test message to an address, and say what the mail server answered."`
	} `cmd:"" help:"Mail that Sluis sends."`
	Centre struct {
		Add  addCentreCommand   `cmd:"" help:"Add a centre."`
		Set  setCentreCommand   `cmd:"" help:"Change the settings of a centre."`
		List listCentresCommand `cmd:"" help:"List the centres and their settings."`
	} `cmd:"" help:"Centres of the real service."`
	Token struct {
		Add    addTokenCommand    `cmd:"" help:"Add an API token."`
		List   listTokensCommand  `cmd:"" help:"List the API tokens; the tokens themselves are not kept."`
		Revoke revokeTokenCommand `cmd:"" help:"End an API token at once."`
	} `cmd:"" help:"API tokens of the real service."`
}
