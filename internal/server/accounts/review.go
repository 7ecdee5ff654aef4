package accounts

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// longUnused is how long an account may go without a sign-in before the review asks
// whether it is still needed.
const longUnused = 90 * 24 * time.Hour

// reviewDue tells above the list when the next review is due.
func (h *Handlers) reviewDue(v *page.Visit, props *templates.Users) error {
	done, err := h.o.Store.Reviews(v.Context())
	if err != nil {
		return err
	}
	props.MayReview = true
	props.ReviewDue = dueSentence(v.T, done, h.o.Now())
	return nil
}

func dueSentence(t *text.Catalogue, done []account.Review, now time.Time) string {
	switch {
	case len(done) == 0:
		return t.T("review.never")
	case now.After(done[0].DueAt):
		return t.T("review.overdue", "when", t.Moment(done[0].DueAt))
	}
	return t.T("review.due", "when", t.Moment(done[0].DueAt))
}

// ViewReview is GET /gebruikers/controle.
func (h *Handlers) ViewReview(v *page.Visit) error { return h.showReview(v, http.StatusOK, "") }

func (h *Handlers) showReview(v *page.Visit, status int, remark string, faults ...templates.FieldError) error {
	t, now := v.T, h.o.Now()
	users, tokens, err := h.o.Store.AccessList(v.Context(), v.Who, "html")
	if err != nil {
		return err
	}
	done, err := h.o.Store.Reviews(v.Context())
	if err != nil {
		return err
	}
	props := templates.AccessReview{
		Page: v.Page(v.Home(), usersCrumb(v)), Due: dueSentence(t, done, now), Overdue: len(done) == 0 || now.After(done[0].DueAt),
		Remark: remark, Errors: faults, CSVHref: reviewing + ".csv",
	}
	perRole := map[account.Role]int{}
	for _, u := range users {
		if u.State() == account.Blocked {
			props.Blocked++
			continue
		}
		props.Accounts++
		for _, r := range u.Roles {
			perRole[r]++
		}
		if unused(u, now) {
			props.Unused = append(props.Unused, userRow(v, u))
		}
	}
	for _, r := range account.Roles {
		props.Roles = append(props.Roles, templates.RoleCount{Role: t.T("role." + string(r)), Count: perRole[r]})
	}
	for _, k := range tokens {
		if k.State(now) == account.Active {
			props.Tokens++
		}
	}
	for _, r := range done {
		props.Done = append(props.Done, templates.ReviewRow{
			When: t.Moment(r.At), By: r.By, Remark: r.Remark,
			What: t.T("review.what", "accounts", r.Accounts, "blocked", r.Blocked, "tokens", r.Tokens),
		})
	}
	return v.Render(status, templates.AccessReviewPage(props))
}

// unused reports whether nobody signed in to the account for a long time.
func unused(u account.User, now time.Time) bool {
	last := u.LastSignInAt
	if last.IsZero() {
		last = u.CreatedAt
	}
	return now.Sub(last) > longUnused
}

// SignReview is POST /gebruikers/controle with opmerking and gezien.
func (h *Handlers) SignReview(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	remark := strings.TrimSpace(form.Get("opmerking"))
	faults := page.CheckReason(v.T, "opmerking", remark)
	if form.Get("gezien") == "" {
		faults = slices.Insert(faults, 0, templates.FieldError{Field: "gezien", Message: v.T.T("review.error.seen")})
	}
	if len(faults) > 0 {
		return h.showReview(v, http.StatusUnprocessableEntity, remark, faults...)
	}
	if err := h.o.Store.SignReview(v.Context(), v.Who, remark); err != nil {
		return err
	}
	if err := v.Flash(v.T.T("review.signed"), true); err != nil {
		return err
	}
	return v.Redirect(reviewing)
}

// reviewHeader is the first line of the export. It is Dutch in every language: scripts
// read it.
var reviewHeader = []string{"Soort", "Naam", "E-mailadres", "Rollen", "Centrum", "Staat", "Aangemaakt", "Laatst gebruikt", "Verloopt"}

// ExportReview is GET /gebruikers/controle.csv: every account and token.
func (h *Handlers) ExportReview(v *page.Visit) error {
	users, tokens, err := h.o.Store.AccessList(v.Context(), v.Who, "csv")
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("\ufeff") // tells Excel that the file is UTF-8
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = ';', true
	rows := [][]string{reviewHeader}
	for _, u := range users {
		rows = append(rows, []string{
			"account", u.Name, u.Email, roleCodes(u.Roles), organisationCode(u.Centre, u.Processor), string(u.State()),
			day(u.CreatedAt), day(u.LastSignInAt), "",
		})
	}
	for _, k := range tokens {
		rows = append(rows, []string{
			"token", k.Name, "", string(k.Role), organisationCode(k.Centre, k.Processor), string(k.State(h.o.Now())),
			day(k.CreatedAt), day(k.LastUsedAt), day(k.ExpiresAt),
		})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = report.Cell(row[i])
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	header := v.W.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="toegang-`+h.o.Now().In(text.Location()).Format(time.DateOnly)+`.csv"`)
	_, _ = v.W.Write([]byte(b.String())) // an error here means that the client went away
	return nil
}

func roleCodes(roles []account.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ",")
}

// organisationCode is the number of a centre, or the name of a processor.
func organisationCode(c *account.Centre, p *account.Processor) string {
	switch {
	case c != nil:
		return c.Number
	case p != nil:
		return p.Name
	}
	return ""
}

// day is a moment's day in the Netherlands, as 2026-11-29; empty if there is none.
func day(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(text.Location()).Format(time.DateOnly)
}
