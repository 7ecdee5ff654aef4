package deliveries

import (
	"regexp"
	"strconv"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// repairsParam names the delivery that a file is to repair, in the address of the
// upload page and as a field of its form.
const repairsParam = "herstelt"

// placeOnly is how a column without a header is named: "5 (E)".
var placeOnly = regexp.MustCompile(`^\d+ \([A-Z]+\)$`)

// newHref is the upload form for a mended file of d.
func newHref(d delivery.Delivery) string {
	if !d.Repairable() {
		return page.Link(newPath, behalfParam, behalfOf(d))
	}
	return page.Link(newPath, repairsParam, d.PublicID, behalfParam, behalfOf(d))
}

// uploadRepair returns the delivery that the upload form repairs, or nil if its
// address names none. The tick is as the user left it.
func (h *Handlers) uploadRepair(v *page.Visit, form uploaded) (*templates.UploadRepair, error) {
	id := v.Query().Get(repairsParam)
	if id == "" {
		return nil, nil
	}
	d, err := h.o.Records.Delivery(v.Context(), v.Scope(), id)
	if err != nil {
		return nil, err
	}
	if !d.Repairable() {
		return nil, apperr.New(apperr.Conflict, "delivery_not_repairable")
	}
	t := v.T
	return &templates.UploadRepair{
		ID: d.PublicID, Href: page.DeliveryPath(d.PublicID), Filename: title(t, d), Created: t.Moment(d.CreatedAt), LeftOut: leftOut(t, d),
		Chosen: form.repairs != "",
	}, nil
}

// leftOut says which part of d was not stored.
func leftOut(t *text.Catalogue, d delivery.Delivery) string {
	if d.State == delivery.Done {
		return t.N("repair.rejected", d.Counts.Rejected)
	}
	return t.T("repair.file_" + string(d.State))
}

// repaired returns for example "3 van 4 hersteld", or "" if no later delivery is
// done.
func repaired(t *text.Catalogue, d delivery.Delivery) string {
	switch {
	case d.LaterRepairs == 0:
		return ""
	case d.State != delivery.Done:
		return t.T("repair.again")
	case d.Counts.Rejected == 0:
		return ""
	}
	return t.T("repair.count", "n", d.Repaired, "total", d.Counts.Rejected)
}

// repairProps shows the delivery that d repairs, and those that repair d.
func (h *Handlers) repairProps(v *page.Visit, d delivery.Delivery) (templates.Repair, error) {
	found, err := h.o.Records.Repairs(v.Context(), v.Scope(), d)
	t, p := v.T, templates.Repair{}
	if err != nil {
		return p, err
	}
	if o := found.Original; o != nil {
		side := repairSide(t, *o, found.OriginalOpen)
		if o.State != delivery.Done {
			side.Count = "" // there are no records to count
		}
		p.Original = &side
	}
	if len(found.Later) == 0 {
		return p, nil
	}
	own := repairSide(t, d, found.Open)
	p.Own = &own
	for _, later := range found.Later {
		p.Later = append(p.Later, repairSide(t, later, nil))
	}
	if v.Actor.May(account.Deliver) && !d.Mended() {
		p.MendHref = newHref(d)
	}
	return p, nil
}

func repairSide(t *text.Catalogue, d delivery.Delivery, open []delivery.Row) templates.RepairSide {
	side := templates.RepairSide{
		Href: page.DeliveryPath(d.PublicID), Filename: title(t, d), Created: t.Moment(d.CreatedAt), Status: string(d.Status()),
		LeftOut: shownCounts(d).Rejected + shownCounts(d).Review, Count: repaired(t, d), What: leftOut(t, d),
		Expired: !d.ReportExpiredAt.IsZero(), Mended: d.Mended(),
	}
	if d.State != delivery.Done && d.State != delivery.Refused && d.State != delivery.Failed {
		side.What = ""
	}
	for _, row := range open {
		line := t.T("repair.line", "line", strconv.Itoa(row.Line), "number", row.PatientNumber)
		if row.PatientNumber == "" {
			line = t.T("repair.line_untraced", "line", strconv.Itoa(row.Line))
		}
		side.Open = append(side.Open, line)
	}
	if more := d.Counts.Rejected - d.Repaired - len(open); len(open) > 0 && more > 0 {
		side.More = more
	}
	return side
}
