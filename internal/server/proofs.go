package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/conversion"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// listProofs is GET /migratie/bewijzen.
func (s *Server) listProofs(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Existing.Proofs(r.Context(), request.Who(r))
	if err != nil {
		return err
	}
	t := s.text(r)
	page := templates.Proofs{Page: s.base(r, s.home(r))}
	for _, p := range found {
		page.Rows = append(page.Rows, templates.ProofRow{Href: proofsPath + "/" + p.PublicID, When: t.Moment(p.MadeAt), By: p.MadeBy, Clean: p.Clean})
	}
	return s.render(w, r, http.StatusOK, templates.ProofsPage(page))
}

// viewProof is GET /migratie/bewijzen/{id}.
func (s *Server) viewProof(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Existing.Proof(r.Context(), request.Who(r), chi.URLParam(r, "id"), false)
	if err != nil {
		return err
	}
	t := s.text(r)
	page, err := ProofProps(t, found)
	if err != nil {
		return err
	}
	page.Page = s.base(r, s.home(r), templates.Crumb{Text: t.T("proofs.title"), Href: proofsPath})
	if request.Actor(r).May(account.ExportProofs) {
		page.ExportHref = proofsPath + "/" + found.PublicID + "/bewijs.json"
	}
	return s.render(w, r, http.StatusOK, templates.ProofPage(page))
}

// exportProof is GET /migratie/bewijzen/{id}/bewijs.json: as it was signed.
func (s *Server) exportProof(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Existing.Proof(r.Context(), request.Who(r), chi.URLParam(r, "id"), true)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="sluis-bewijs.json"`)
	_, err = w.Write([]byte(found.Document))
	return err
}

// ProofProps is a proof in words, for the page and for the file to print.
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
		out.Approvals = append(out.Approvals, templates.ProofApproval{Centre: a.Centre, Role: t.T("role." + string(a.Role)), User: a.UserName, When: t.Moment(a.At), Why: a.Why})
	}
	return out, nil
}

// shownHits is how many places a page names; the signed document has more.
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
		out.Hits = append(out.Hits, templates.ProofHit{File: h.File, Offset: strconv.FormatInt(h.Offset, 10), Kind: h.Kind, Coding: h.Coding})
	}
	out.MoreHits += scan.Found() - len(shown)
}
