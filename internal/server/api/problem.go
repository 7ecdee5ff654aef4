package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/server/request"
	"sluis/web/text"
)

// Problem is an RFC 9457 problem document. Code is stable, the sentences are not.
type Problem struct {
	Type      string     `json:"type"`
	Title     string     `json:"title"`
	Status    int        `json:"status"`
	Detail    string     `json:"detail,omitempty"`
	Code      string     `json:"code"`
	RequestID string     `json:"requestId,omitempty"`
	Parameter string     `json:"parameter,omitempty"` // the one that is wrong
	Findings  []*Finding `json:"findings,omitempty"`  // why a patient is refused
}

// words are a problem's title and detail.
type words struct{ title, detail string }

// apiWords are the problems that only a program meets; the catalogue has those
// that people meet too.
var apiWords = map[string]words{
	"token_missing":        {"Geen token", "Stuur een API-token mee in de header Authorization: Bearer …"},
	"token_invalid":        {"Token ongeldig", "Dit API-token bestaat niet, is ingetrokken of is verlopen. Vraag de beheerder om een nieuw token."},
	"too_many_attempts":    {"Te veel pogingen", "Vanaf dit adres kwamen te veel verzoeken met een ongeldig token. Wacht zo lang als de header Retry-After aangeeft."},
	"forbidden":            {"Geen toegang", "De rol van dit token geeft geen toegang tot deze functie."},
	"centre_missing":       {"Geen centrum", "Dit token hoort niet bij een centrum en kan daarom niets aanleveren."},
	"not_found":            {"Niet gevonden", "Dit adres bestaat niet, of u hebt er geen toegang toe."},
	"method_not_allowed":   {"Methode niet toegestaan", "Dit adres kent deze HTTP-methode niet; de header Allow noemt de methoden die wel kunnen."},
	"invalid_parameter":    {"Parameter ongeldig", "Een parameter heeft een waarde die niet kan; zie parameter en de beschrijving van de API."},
	"filename_missing":     {"Bestandsnaam ontbreekt", "Geef de naam van het bestand op met ?filename=, of stuur het bestand als onderdeel file van multipart/form-data."},
	"file_missing":         {"Bestand ontbreekt", "Stuur het bestand mee als onderdeel file van multipart/form-data."},
	"file_empty":           {"Bestand leeg", "Het bestand heeft geen inhoud. Controleer het bestand en lever het opnieuw aan."},
	"file_too_large":       {"Bestand te groot", "Het bestand is groter dan is toegestaan. Splits het en lever de delen apart aan."},
	"body_too_large":       {"Verzoek te groot", "De inhoud van het verzoek is groter dan is toegestaan."},
	"multipart_malformed":  {"Verzoek onleesbaar", "De inhoud is geen geldige multipart/form-data of is onderweg afgebroken. Stuur het bestand opnieuw."},
	"upload_interrupted":   {"Verzending afgebroken", "Het bestand is niet volledig aangekomen. Er is niets opgeslagen; stuur het opnieuw."},
	"content_type":         {"Soort inhoud niet ondersteund", "Stuur een CSV-bestand als text/csv, text/plain of application/octet-stream, of als onderdeel file van multipart/form-data."},
	"content_type_json":    {"Soort inhoud niet ondersteund", "Stuur de gegevens als application/json."},
	"json_malformed":       {"JSON onleesbaar", "De inhoud is geen geldig JSON-object in UTF-8."},
	"json_unknown_field":   {"Onbekend veld", "De inhoud heeft een veld dat deze API niet kent; zie de beschrijving van de API voor de velden en hun schrijfwijze."},
	"json_duplicate_field": {"Veld dubbel", "Een veld komt meer dan één keer voor; zie parameter."},
	"json_not_text":        {"Veld is geen tekst", "Een veld heeft een waarde die geen tekst is; zie parameter. Zet ook getallen tussen aanhalingstekens."},
	"not_acceptable":       {"Soort antwoord niet beschikbaar", "Het foutenrapport is er als text/csv en als application/json."},
	"patient_rejected":     {"Patiënt niet opgeslagen", "De gegevens zijn afgewezen; findings noemt de redenen. Er is niets opgeslagen."},
	"ttp_unavailable":      {"TTP niet bereikbaar", "De TTP geeft geen antwoord. Er is niets opgeslagen; probeer het over enkele minuten opnieuw."},
	"delivery_not_waiting": {"Aanlevering wacht niet", "Deze aanlevering wacht niet (meer) op een bevestiging."},
	"delivery_not_cancellable": {"Annuleren kan niet meer",
		"Deze aanlevering wordt al opgeslagen of is al afgerond, en kan daarom niet meer worden geannuleerd."},
	"cross_origin": {"Verzoek van een andere website", "Dit verzoek kwam van een andere website en is daarom niet uitgevoerd."},
	"internal":     {"Onverwachte fout", "Er ging iets mis bij ons. Probeer het later opnieuw; noem bij een vraag het requestId."},
}

// retryError is an error that passes by itself.
type retryError struct {
	error
	after time.Duration
}

func (e *retryError) Unwrap() error { return e.error }

// parameterError is a wrong parameter or field, by its name.
type parameterError struct {
	error
	name string
}

func (e *parameterError) Unwrap() error { return e.error }

// invalid says that the parameter or field with this name is wrong.
func invalid(code, name string) error {
	return &parameterError{apperr.New(apperr.Invalid, code), name}
}

// Fail answers r with the problem that err is, and logs the cause.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) {
	request.LogFailure(a.Log, r, err)
	err = classify(err)
	p := a.problem(apperr.Status(err), apperr.CodeOf(err))
	if e, ok := errors.AsType[*parameterError](err); ok {
		p.Parameter = e.name
	}
	if e, ok := errors.AsType[*retryError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.after/time.Second)+1))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sluis"`)
	}
	writeProblem(w, r, p)
}

// FailStatus answers r with a problem of which the status is all there is to
// tell: no such path or method, a panic.
func (a *API) FailStatus(w http.ResponseWriter, r *http.Request, status int, code string) {
	writeProblem(w, r, a.problem(status, code))
}

// problem puts a code into words.
func (a *API) problem(status int, code string) *Problem {
	p := &Problem{Type: "urn:sluis:problem:" + code, Status: status, Code: code}
	switch own, ok := apiWords[code]; {
	case ok:
		p.Title, p.Detail = own.title, own.detail
	case a.text.Has("error." + code + ".title"):
		p.Title, p.Detail = a.text.T("error."+code+".title"), a.text.T("error."+code+".body")
	default:
		p.Title = http.StatusText(status)
	}
	return p
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	p.RequestID = request.From(r.Context()).ID
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Language", text.Dutch)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// classify names the errors of net/http that a handler lets through.
func classify(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return apperr.Wrap(apperr.TooLarge, "body_too_large", err)
	}
	return err
}
