package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// checkTransport refuses to listen beyond this machine in plain HTTP for everybody.
// Without TLS of our own there must be a proxy that ends it, and Sluis must know its
// address: else every request seems to come from the proxy, and one hospital that
// guesses passwords slows down the whole country.
func checkTransport(c *Config, faults *Faults) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil || host == "localhost" || loopback(host) || c.TLSCertFile != "" || c.TLSKeyFile != "" {
		return
	}
	if len(c.TrustedProxies) == 0 {
		faults.Add("SLUIS_ADDR", "listens beyond this machine, without TLS; set SLUIS_TLS_CERT_FILE and SLUIS_TLS_KEY_FILE, or let a "+
			"proxy end TLS and set SLUIS_TRUSTED_PROXIES to its address, or listen on 127.0.0.1")
	}
}

// checkPostgres is checkSQLServer for PostgreSQL.
func checkPostgres(name, value string, faults *Faults) {
	if !isPostgres(value) {
		return
	}
	u, err := url.Parse(value)
	if err != nil {
		// err quotes the password
		faults.Add(name, "is not a URL; a percent sign in the password is written as %%25, and other marks likewise")
		return
	}
	q := u.Query()
	if strings.Trim(u.Path, "/") == "" && q.Get("dbname") == "" {
		faults.Add(name, "names no database; write postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full")
	}
	here := true
	for _, part := range strings.Split(u.Host, ",") {
		host := (&url.URL{Host: part}).Hostname()
		here = here && (host == "" || host == "localhost" || loopback(host))
	}
	for _, host := range strings.Split(q.Get("host"), ",") {
		here = here && (host == "" || strings.HasPrefix(host, "/") || host == "localhost" || loopback(host))
	}
	if !here && q.Get("sslmode") != "verify-full" {
		faults.Add(name, "has no sslmode=verify-full, without which patients would cross the network unencrypted, or to whoever answers; "+
			"write ?sslmode=verify-full behind the database's name, and for a certificate of your own authority also &sslrootcert=FILE, "+
			"which names that authority's certificate")
	}
}

func isPostgres(value string) bool {
	return strings.HasPrefix(value, "postgres://") || strings.HasPrefix(value, "postgresql://")
}

// checkSQLServer wants TLS with a certificate that is verified, unless the server is on
// this machine: patients must not cross a network in the clear, and an encrypted
// connection to whoever answers protects nobody.
func checkSQLServer(name, value string, faults *Faults) {
	if !strings.HasPrefix(value, "sqlserver://") {
		return
	}
	u, err := url.Parse(value)
	if err != nil {
		// err quotes the password
		faults.Add(name, "is not a URL; a percent sign in the password is written as %%25, and other marks likewise")
		return
	}
	if host := u.Hostname(); host == "localhost" || loopback(host) {
		return
	}
	const mend = "write &encrypt=true behind the database's name, and for a certificate of your own authority also " +
		"&certificate=FILE, which names that authority's certificate"
	set, trusted := false, false
	for key, values := range u.Query() {
		switch strings.ToLower(key) {
		case "encrypt":
			set = true
			for _, v := range values {
				if !slices.Contains([]string{"true", "yes", "1", "t", "mandatory", "strict"}, strings.ToLower(v)) {
					faults.Add(name, "has an encrypt with which patients may cross the network unencrypted; "+mend)
				}
			}
		case "trustservercertificate", "trust server certificate":
			for _, v := range values {
				no, err := strconv.ParseBool(v)
				trusted = trusted || (err != nil || no) && !strings.EqualFold(v, "no")
			}
		}
	}
	if !set {
		faults.Add(name, "has no encrypt, with which patients would cross the network unencrypted; "+mend)
	}
	if trusted {
		faults.Add(name, "has TrustServerCertificate, with which anybody can pass for the database; leave that out, and "+mend)
	}
}

// checkMetrics wants an address that strangers cannot reach: figures say nothing of a
// person, but much of a service in trouble. It is written in numbers, because a name may
// lead elsewhere tomorrow.
func checkMetrics(value string, faults *Faults) string {
	if value == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(value)
	ip, ipErr := netip.ParseAddr(host)
	switch {
	case err != nil || port == "" || ipErr != nil:
		faults.Add("SLUIS_METRICS_ADDR", "must be an address in numbers with a port, such as 127.0.0.1:9464")
	case !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast():
		faults.Add("SLUIS_METRICS_ADDR", "may be reached by strangers; use 127.0.0.1, or an address of a private network")
	}
	return value
}
