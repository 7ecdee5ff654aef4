package conversions

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"sluis/internal/account"
	"sluis/internal/conversion"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// ListProofs is GET /migratie/bewijzen.
func (h *Handlers) ListProofs(v *page.Visit) error {
	found, err := h.o.Conversion.Proofs(v.Context(), v.Who)
	if err != nil {
		return err
	}
	t := v.T
	props := templates.Proofs{Page: v.Page(v.Home())}
	for _, p := range found {
		props.Rows = append(props.Rows, templates.ProofRow{Href: page.ProofsPath + "/" + p.PublicID, When: t.Moment(p.MadeAt), By: p.MadeBy,
			Clean: p.Clean})
	}
	return v.Render(http.StatusOK, templates.ProofsPage(props))
}

// ViewProof is GET /migratie/bewijzen/{id}.
func (h *Handlers) ViewProof(v *page.Visit) error {
	found, err := h.o.Conversion.Proof(v.Context(), v.Who, v.ID(), false)
	if err != nil {
		return err
	}
	t := v.T
	props, err := ProofProps(t, found)
	if err != nil {
		return err
	}
	props.Page = v.Page(v.Home(), templates.Crumb{Text: t.T("proofs.title"), Href: page.ProofsPath})
	if v.Actor.May(account.ExportProofs) {
		props.ExportHref = page.ProofsPath + "/" + found.PublicID + "/bewijs.json"
	}
	return v.Render(http.StatusOK, templates.ProofPage(props))
}

// ExportProof is GET /migratie/bewijzen/{id}/bewijs.json: as it was signed.
func (h *Handlers) ExportProof(v *page.Visit) error {
	found, err := h.o.Conversion.Proof(v.Context(), v.Who, v.ID(), true)
	if err != nil {
		return err
	}
	header := v.W.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Disposition", `attachment; filename="sluis-bewijs.json"`)
	_, err = v.W.Write([]byte(found.Document))
	return err
}

// ProofProps puts a proof into words, for the page and for the file to print.
func ProofProps(t *text.Catalogue, found conversion.Report) (templates.Proof, error) {
	var signed conversion.Signed
	var p conversion.Proof
	if json.Unmarshal([]byte(found.Document), &signed) != nil || json.Unmarshal(signed.Document, &p) != nil {
		return templates.Proof{}, errors.New("decode a proof: failed")
	}
	out := templates.Proof{
		Page: templates.Page{T: t}, Clean: p.Clean(), PublicKey: signed.PublicKey, Signature: signed.Signature,
		Verdict: t.T(map[bool]string{true: "proof.verdict.clean", false: "proof.verdict.unclean"}[p.Clean()], "hits", p.After.Found()),
	}
	fact := func(key, value string) {
		if value != "" {
			out.Facts = append(out.Facts, templates.Fact{Label: t.T(key), Value: value})
		}
	}
	fact("proof.registry", p.Registry)
	fact("proof.source", p.Table)
	fact("proof.run", p.Run)
	if p.Way != "" {
		fact("proof.way", t.T("existing.way."+p.Way))
	}
	if at, err := time.Parse(time.RFC3339, p.Erased); err == nil {
		fact("proof.erased", t.Moment(at))
	} else {
		fact("proof.erased", t.T("proof.not_erased"))
	}
	fact("proof.made", t.T("proof.made_by", "when", t.Moment(p.After.At), "who", p.MadeBy))
	fact("proof.looked", t.T("proof.needles", "canaries", p.Canaries, "surnames", p.Surnames, "emails", p.Emails, "short", p.Short))
	switch {
	case p.Before == nil:
		out.Before = t.T("proof.before_none")
	case p.Control > 0:
		out.Before = t.T("proof.before_missed", "hits", p.Before.Found(), "n", p.Control)
	default:
		out.Before = t.T("proof.before_all", "hits", p.Before.Found())
	}
	proofScan(t, &out, p.After)
	if p.Rows != nil {
		proofScan(t, &out, *p.Rows)
	}
	for _, code := range p.Unreached {
		out.Unreached = append(out.Unreached, t.T("existing.unreached."+code))
	}
	for _, a := range p.Approvals {
		out.Approvals = append(out.Approvals, templates.ProofApproval{
			Centre: a.Centre, Role: t.T("role." + string(a.Role)), User: a.UserName, When: t.Moment(a.At), Why: a.Why,
		})
	}
	return out, nil
}

// shownHits is the number of places that a page names; the signed document has
// all.
const shownHits = 200

func proofScan(t *text.Catalogue, out *templates.Proof, scan conversion.Scan) {
	for _, f := range scan.Files {
		row := templates.ProofFile{Name: f.File, Bytes: t.Number(int(f.Bytes)), Hits: f.Hits, Chance: f.Chance}
		if f.Error != "" {
			row.Error = t.T("proof.error." + f.Error)
		}
		out.Files = append(out.Files, row)
	}
	shown := scan.Hits[:min(len(scan.Hits), shownHits)]
	for _, h := range shown {
		out.Hits = append(out.Hits,
			templates.ProofHit{File: h.File, Offset: strconv.FormatInt(h.Offset, 10), Kind: h.Kind, Coding: h.Coding})
	}
	out.MoreHits += scan.Found() - len(shown)
}
