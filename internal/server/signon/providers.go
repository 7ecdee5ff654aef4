package signon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/oidc"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/templates/ui"
	"sluis/web/text"
)

const providersPath = "/inlogdiensten"

func providerPath(p account.Provider) string { return providersPath + "/" + p.PublicID }

// The lengths and numbers of what is typed.
const (
	maxName    = 200
	maxClient  = 300
	maxList    = 20
	maxClaim   = 200
	maxMapping = 30
	spareLines = 3 // empty lines of the mapping, for what is added
)

var (
	secretNames = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)
	domains     = regexp.MustCompile(`^([0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?\.)+[0-9a-z-]{2,63}$`)
	listWords   = regexp.MustCompile(`^[!#-\[\]-~]{1,100}$`)
)

// List is GET /inlogdiensten.
func (h *Handlers) List(v *page.Visit) error {
	found, err := h.o.Store.ListProviders(v.Context(), v.Who)
	if err != nil {
		return err
	}
	props := templates.Providers{Page: v.Page(v.Home())}
	for _, p := range found {
		state := "off"
		if p.Enabled {
			state = "on"
		}
		props.Rows = append(props.Rows, templates.ProviderRow{
			Href: providerPath(p), Name: p.Name, Owner: owner(v.T, p), Issuer: p.Issuer,
			Roles: page.RoleWords(v.T, rolesOf(p)), State: state,
		})
	}
	return v.Render(http.StatusOK, templates.ProvidersPage(props))
}

func owner(t *text.Catalogue, p account.Provider) string {
	if p.Centre == nil {
		return t.T("providers.registry")
	}
	return page.CentreName(*p.Centre)
}

// rolesOf returns the roles that the mapping can assign, in words.
func rolesOf(p account.Provider) []account.Role {
	return slices.DeleteFunc(p.Gives(), func(r account.Role) bool {
		return !slices.ContainsFunc(p.Mapping, func(m account.RoleClaim) bool { return m.Role == r })
	})
}

// NewForm is GET /inlogdiensten/nieuw.
func (h *Handlers) NewForm(v *page.Visit) error {
	return h.show(v, http.StatusOK, account.Provider{}, templates.ProviderForm{})
}

// View is GET /inlogdiensten/{id}.
func (h *Handlers) View(v *page.Visit) error {
	p, err := h.o.Store.ProviderByID(v.Context(), v.ID())
	if err != nil {
		return err
	}
	return h.show(v, http.StatusOK, p, templates.ProviderForm{})
}

// show shows the form of a provider. A provider without a public id is new.
func (h *Handlers) show(v *page.Visit, status int, p account.Provider, form templates.ProviderForm) error {
	t := v.T
	form.Page = v.Page(v.Home(), templates.Crumb{Text: t.T("providers.title"), Href: providersPath})
	form.Name, form.Issuer, form.ClientID, form.SecretFile = p.Name, p.Issuer, p.ClientID, p.SecretFile
	form.Scopes, form.Domains = strings.Join(p.Scopes, " "), strings.Join(p.Domains, " ")
	form.Methods, form.Levels = strings.Join(p.FactorMethods, " "), strings.Join(p.FactorLevels, " ")
	form.Making, form.NoFolder = making(p), h.o.Secrets == ""
	form.Makings = []ui.Radio{
		{Value: "uitnodiging", Text: t.T("provider.making.invite"), Hint: t.T("provider.making.invite_hint")},
		{Value: "direct", Text: t.T("provider.making.direct"), Hint: t.T("provider.making.direct_hint")},
	}
	form.States = []ui.Checkbox{{Value: "ja", Text: t.T("provider.enabled"), Hint: t.T("provider.enabled_hint"), Checked: p.Enabled}}
	form.Lines = h.lines(t, p, form.Lines)
	if form.New = p.PublicID == ""; form.New {
		form.Action = providersPath + "/nieuw"
		options, err := v.CentreOptions(centreNumber(p.Centre))
		if err != nil {
			return err
		}
		options[0].Text = t.T("providers.registry")
		form.Centres = options
		return v.Render(status, templates.ProviderPage(form))
	}
	form.Action, form.CheckAction, form.Owner = providerPath(p), providerPath(p)+"/controleren", owner(t, p)
	form.RedirectURL = h.settings(v, p).RedirectURL
	form.LogoutURL, form.AfterURL = h.absolute(v, viaPath+"/"+p.PublicID+"/afmelden"), h.absolute(v, signInPath)
	return v.Render(status, templates.ProviderPage(form))
}

func making(p account.Provider) string {
	if p.MakesAccounts {
		return "direct"
	}
	return "uitnodiging"
}

func centreNumber(c *account.Centre) string {
	if c == nil {
		return ""
	}
	return c.Number
}

// lines returns the lines of the mapping: those that were typed, or those of the provider,
// and a few empty ones. A new provider may turn out to be a hospital's or the registry's:
// it offers every role.
func (h *Handlers) lines(t *text.Catalogue, p account.Provider, typed []templates.RoleLine) []templates.RoleLine {
	lines := typed
	if lines == nil {
		for _, m := range p.Mapping {
			lines = append(lines, templates.RoleLine{Claim: m.Claim, Value: m.Value, Role: string(m.Role)})
		}
	}
	for range spareLines {
		lines = append(lines, templates.RoleLine{})
	}
	roles := p.Gives()
	if p.PublicID == "" {
		roles = account.Roles
	}
	for i := range lines {
		lines[i].Number = strconv.Itoa(i + 1)
		lines[i].Roles = []templates.Option{{Text: t.T("provider.no_role")}}
		for _, r := range roles {
			lines[i].Roles = append(lines[i].Roles, templates.Option{
				Value: string(r), Text: t.T("role." + string(r)), Selected: string(r) == lines[i].Role,
			})
		}
	}
	return lines
}

// Add is POST /inlogdiensten/nieuw.
func (h *Handlers) Add(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	var p account.Provider
	var faults []templates.FieldError
	if number := posted.Get("centrum"); number != "" {
		c, err := h.o.Store.CentreByNumber(v.Context(), number)
		switch {
		case apperr.KindOf(err) == apperr.NotFound:
			faults = append(faults, templates.FieldError{Field: "centrum", Message: v.T.T("users.error.centre_needed")})
		case err != nil:
			return err
		default:
			p.Centre = &c
		}
	}
	return h.save(v, posted, p, faults)
}

// Change is POST /inlogdiensten/{id}.
func (h *Handlers) Change(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	p, err := h.o.Store.ProviderByID(v.Context(), v.ID())
	if err != nil {
		return err
	}
	return h.save(v, posted, p, nil)
}

// save stores what was posted, or shows the form again with what is wrong.
func (h *Handlers) save(v *page.Visit, posted url.Values, p account.Provider, faults []templates.FieldError) error {
	form := h.read(v.T, posted, &p)
	others, err := h.o.Store.ListProviders(v.Context(), v.Who)
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(posted.Get("reden"))
	form.Why = reason
	form.Errors = slices.Concat(faults, form.Errors, foreignDomains(v.T, p, others), page.CheckReason(v.T, "reden", reason))
	if len(form.Errors) > 0 {
		return h.show(v, http.StatusUnprocessableEntity, p, form)
	}
	flash := "provider.changed"
	if p.PublicID == "" {
		flash = "provider.added"
		p, err = h.o.Store.AddProvider(v.Context(), v.Who, p, reason)
	} else {
		err = h.o.Store.ChangeProvider(v.Context(), v.Who, p, reason)
	}
	if err != nil {
		return err
	}
	h.o.Client.Forget(p.Issuer)
	if err := v.Flash(v.T.T(flash), true); err != nil {
		return err
	}
	return v.Redirect(providerPath(p))
}

// foreignDomains refuses a domain that another provider has: each provider vouches for its
// own people.
func foreignDomains(t *text.Catalogue, p account.Provider, others []account.Provider) []templates.FieldError {
	for _, other := range others {
		for _, d := range p.Domains {
			if other.PublicID != p.PublicID && slices.Contains(other.Domains, d) {
				return []templates.FieldError{{Field: "domeinen", Message: t.T("provider.error.domain_taken", "name", other.Name)}}
			}
		}
	}
	return nil
}

// reading reads the form of a provider and gathers its faults.
type reading struct {
	t      *text.Catalogue
	posted url.Values
	faults []templates.FieldError
}

func (r *reading) get(name string) string { return strings.TrimSpace(r.posted.Get(name)) }

func (r *reading) fault(wrong bool, field, key string, args ...any) {
	if wrong {
		r.faults = append(r.faults, templates.FieldError{Field: field, Message: r.t.T(key, args...)})
	}
}

// list reads words with spaces, commas or lines between them.
func (r *reading) list(field, key string, fits *regexp.Regexp) []string {
	words := strings.FieldsFunc(r.get(field), func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' })
	wrong := slices.ContainsFunc(words, func(w string) bool { return !fits.MatchString(w) })
	r.fault(wrong || len(words) > maxList, field, key, "max", maxList)
	return words
}

// read reads the form on top of what the provider was.
func (h *Handlers) read(t *text.Catalogue, posted url.Values, p *account.Provider) templates.ProviderForm {
	r := &reading{t: t, posted: posted}
	p.Name, p.Issuer, p.ClientID, p.SecretFile = r.get("naam"), r.get("uitgever"), r.get("client"), r.get("geheim")
	r.fault(p.Name == "" || utf8.RuneCountInString(p.Name) > maxName, "naam", "provider.error.name")
	if err := oidc.CheckIssuer(p.Issuer, h.o.Loopback); err != nil {
		r.fault(true, "uitgever", "provider.wrong."+oidc.CodeOf(err))
	}
	r.fault(p.ClientID == "" || utf8.RuneCountInString(p.ClientID) > maxClient, "client", "provider.error.client")
	r.fault(!secretNames.MatchString(p.SecretFile), "geheim", "provider.error.secret")
	p.Scopes = r.list("scopes", "provider.error.list", listWords)
	p.MakesAccounts = r.get("accounts") == "direct"
	r.fault(!p.MakesAccounts && r.get("accounts") != "uitnodiging", "accounts", "provider.error.making")
	r.posted.Set("domeinen", strings.ToLower(r.posted.Get("domeinen")))
	p.Domains = r.list("domeinen", "provider.error.domains", domains)
	r.fault(p.MakesAccounts && len(p.Domains) == 0, "domeinen", "provider.error.domain_needed")
	p.FactorMethods = r.list("amr", "provider.error.list", listWords)
	p.FactorLevels = r.list("acr", "provider.error.list", listWords)
	p.Enabled = r.get("aan") == "ja"
	lines := r.mapping(p)
	r.fault(p.Enabled && len(p.Mapping) == 0, "claim-1", "provider.error.mapping")
	return templates.ProviderForm{Lines: lines, Errors: r.faults}
}

// mapping reads the lines of the mapping. An empty one is left out.
func (r *reading) mapping(p *account.Provider) []templates.RoleLine {
	p.Mapping = nil
	lines := []templates.RoleLine{}
	for i := range maxMapping + spareLines {
		n := strconv.Itoa(i + 1)
		line := templates.RoleLine{Claim: r.get("claim-" + n), Value: r.get("waarde-" + n), Role: r.get("rol-" + n)}
		if line.Claim == "" && line.Value == "" && line.Role == "" {
			continue
		}
		lines = append(lines, line)
		at := strconv.Itoa(len(lines))
		long := utf8.RuneCountInString(line.Claim) > maxClaim || utf8.RuneCountInString(line.Value) > maxClaim
		role := account.Role(line.Role)
		switch {
		case line.Claim == "" || line.Value == "" || long:
			r.fault(true, "claim-"+at, "provider.error.line")
		case !slices.Contains(p.Gives(), role):
			r.fault(true, "rol-"+at, "provider.error.role")
		default:
			p.Mapping = append(p.Mapping, account.RoleClaim{Claim: line.Claim, Value: line.Value, Role: role})
		}
	}
	r.fault(len(lines) > maxMapping, "claim-1", "provider.error.lines", "max", maxMapping)
	return lines
}

// Check is POST /inlogdiensten/{id}/controleren: it asks the provider all that a sign-in
// needs, and says in words what is wrong.
func (h *Handlers) Check(v *page.Visit) error {
	p, err := h.o.Store.ProviderByID(v.Context(), v.ID())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.Context(), callTime)
	defer cancel()
	found, err := h.o.Client.Check(ctx, h.settings(v, p))
	var form templates.ProviderForm
	if err != nil {
		form.Wrong = v.T.T("provider.wrong." + oidc.CodeOf(err))
		if f, ok := errors.AsType[*oidc.Fault](err); ok {
			form.Published = f.Published
		}
		v.LogFailure(apperr.Wrap(apperr.Invalid, prefix+oidc.CodeOf(err), errors.New("check of provider "+p.PublicID)))
		return h.show(v, http.StatusOK, p, form)
	}
	d := found.Document
	yes := func(b bool) string {
		if b {
			return v.T.T("word.yes")
		}
		return v.T.T("word.no")
	}
	form.Found = &templates.ProviderFound{
		Algorithms: strings.Join(d.Algorithms(), ", "), Keys: v.T.Number(found.Keys), ResponseIssuer: yes(d.ResponseIssuer),
		SignOut: yes(d.EndSessionEndpoint != ""), BackChannel: yes(d.BackChannelLogout),
	}
	return h.show(v, http.StatusOK, p, form)
}
