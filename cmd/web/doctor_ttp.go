package main

import (
	"context"
	"log/slog"
	"time"

	"sluis/internal/ttphealth"
)

// probeTime is how long the TTP has to answer.
const probeTime = 10 * time.Second

// ttp asks the TTP for a token with each credential, and for its time.
func (p patientDoctor) ttp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*probeTime)
	defer cancel()
	x, err := openTTP(ctx, p.cfg, ttphealth.NewRecorder(time.Now), slog.New(slog.DiscardHandler))
	if err != nil {
		p.list.fault("TTP", err.Error(), "compare the addresses and the certificate with what the TTP gave")
		return
	}
	sent := time.Now()
	at, err := x.line.Clock(ctx)
	if err != nil {
		p.list.fault("TTP", "it does not answer: "+err.Error(),
			"is the network open to it, does the certificate belong to it? Deliveries wait")
		return
	}
	p.list.ok("TTP", "it answers at %s", p.cfg.TTP.AuthURL.Host)
	if at.IsZero() {
		p.list.care("clock", "the TTP does not say what time it is", "nothing; Sluis does not depend on it")
	} else {
		p.skew("the TTP", at, sent.Truncate(time.Second), time.Now()) // it speaks in whole seconds
	}
	for i, what := range []string{"prepare", "resolve"} {
		if err := x.clients[i].CheckCredential(ctx); err != nil {
			p.list.fault("TTP credential, "+what, "no token: "+err.Error(),
				"check the client and its secret; replace the file and send SIGHUP")
		} else {
			p.list.ok("TTP credential, "+what, "accepted")
		}
	}
}
