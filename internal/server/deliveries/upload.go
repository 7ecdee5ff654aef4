package deliveries

import (
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/server/page"
	"sluis/internal/server/upload"
	"sluis/web/templates"
)

// maxField is how long a field before the file is at most, in bytes.
const maxField = 1 << 10

// UploadForm is GET /aanleveringen/nieuw?herstelt=&namens=.
func (h *Handlers) UploadForm(v *page.Visit) error {
	if _, err := centreOf(v); apperr.CodeOf(err) == account.CentreUnsaid {
		return h.askCentre(v, http.StatusOK)
	}
	return h.showUpload(v, http.StatusOK, uploaded{repairs: v.Query().Get(repairsParam)})
}

// showUpload shows the upload form, with the faults of an earlier try.
func (h *Handlers) showUpload(v *page.Visit, status int, form uploaded, faults ...templates.FieldError) error {
	centre, err := centreOf(v)
	if err != nil {
		return err
	}
	caption, behalf := page.CentreName(centre), ""
	if v.Actor.Processor != nil {
		caption, behalf = v.T.T("upload.on_behalf", "centre", caption), centre.Number
	}
	props := templates.Upload{
		Page: v.Page(crumbs(v)...), Centre: caption, Mode: string(form.mode), Errors: faults,
		Action: page.Link(
			page.DeliveriesPath,
			"sleutel",
			newFormKey(),
			repairsParam,
			v.Query().Get(repairsParam),
			behalfParam,
			behalf,
		), Kinds: h.fileKinds(v, centre, behalf),
		MaxMegabytes: h.maxMegabytes(), MaxRows: h.o.MaxRows, MaxColumns: intake.MaxColumns, MaxCell: intake.MaxCell,
		MaxUploads: h.o.Door.Most(),
	}
	if props.Repair, err = h.uploadRepair(v, form); err != nil {
		return err
	}
	if v.Actor.May(account.ForgetColumns) {
		if props.Notices, err = h.notices(v); err != nil {
			return err
		}
		if props.Kept, err = h.o.Columns.Remembered(v.Context(), centre.ID); err != nil {
			return err
		}
	}
	return v.Render(status, templates.UploadPage(props))
}

func (h *Handlers) maxMegabytes() int { return int(h.o.Door.MaxBytes() >> 20) }

// Receive is POST /aanleveringen: the file is read as a stream, and its form key
// makes pressing the button twice one delivery.
func (h *Handlers) Receive(v *page.Visit) error {
	centre, err := centreOf(v)
	if apperr.CodeOf(err) == account.CentreUnsaid {
		return h.askCentre(v, http.StatusUnprocessableEntity)
	} else if err != nil {
		return err
	}
	finish := h.o.Door.Begin(v.W, v.R)
	var form uploaded
	id, err := h.forms.Once(v.Context(), v.Query().Get("sleutel"), v.Actor.UserID, func() (string, error) {
		return h.o.Door.Take(v.R, centre.ID, func() (string, error) { return h.readForm(v, centre, &form) })
	})
	finish()
	if err != nil {
		return h.refuseUpload(v, form, err)
	}
	if form.modeUnknown {
		if err := v.Flash(v.T.T("flash.delivered")+" "+v.T.T("mode.check"), false); err != nil {
			return err
		}
	}
	h.awaitResult(v, v.Scope(), id)
	return v.Redirect(page.DeliveryPath(id))
}

// uploaded is the other fields of the upload form.
type uploaded struct {
	mode    delivery.Mode
	repairs string // the delivery that the file is to repair, if the user left that ticked
	whole   bool   // all before the file was read
	// modeUnknown says that the choice came behind the file or not at all, so that the
	// file was only checked.
	modeUnknown bool
}

// readForm reads the form up to its file and takes that in.
func (h *Handlers) readForm(v *page.Visit, centre account.Centre, form *uploaded) (string, error) {
	parts, err := v.R.MultipartReader()
	if err != nil {
		return "", apperr.New(apperr.UnsupportedType, "multipart_malformed")
	}
	for {
		part, err := parts.NextPart()
		switch {
		case err == io.EOF: //nolint:errorlint // wrapped, it is a body that broke off
			form.whole = true
			return "", apperr.New(apperr.Invalid, "file_missing")
		case err != nil:
			return "", upload.Broken(err)
		}
		switch part.FormName() {
		case "mode":
			form.mode, err = readMode(part)
			if err != nil {
				return "", err
			}
		case repairsParam:
			if form.repairs, err = readField(part); err != nil {
				return "", err
			}
		case "file":
			form.whole = true
			return h.receiveFile(v, centre, form, part, parts)
		default:
			if upload.IsFile(part) {
				form.whole = true
				return "", upload.ErrSeveralFiles
			}
		}
	}
}

func (h *Handlers) receiveFile(
	v *page.Visit, centre account.Centre, form *uploaded, part *multipart.Part, rest *multipart.Reader,
) (string, error) {
	name := upload.Name(part.FileName())
	if name == "" {
		return "", apperr.New(apperr.Invalid, "file_missing")
	}
	mode := form.mode
	if mode == "" {
		mode, form.modeUnknown = delivery.Check, true // the safe one
	}
	id, err := h.o.Receiver.Receive(v.Context(), intake.Upload{
		Who: v.Who, Centre: centre, ProcessorID: v.Actor.ProcessorID(), Filename: name, Mode: mode,
		Via: audit.ViaWeb, Repairs: form.repairs,
	}, upload.Limit(upload.OneFile(part, rest), h.o.Door.MaxBytes()))
	if err != nil {
		return "", err
	}
	return id, nil
}

// readMode reads whether the file is to be checked or saved.
func readMode(part *multipart.Part) (delivery.Mode, error) {
	raw, err := readField(part)
	if err != nil {
		return "", err
	}
	if mode := delivery.Mode(raw); mode == delivery.Check || mode == delivery.Save {
		return mode, nil
	}
	return "", nil
}

// readField reads a short field.
func readField(part io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(part, maxField))
	if err != nil {
		return "", upload.Broken(err)
	}
	return string(raw), nil
}

// formFaults are the errors that the form shows at the file, with their texts.
var formFaults = map[string]string{
	"file_missing": "upload.file_missing", "file_empty": "upload.file_empty",
	"file_too_large": "upload.file_too_large", "upload_interrupted": "upload.interrupted", "too_many_uploads": "upload.too_many",
	"several_files": "upload.several_files",
}

// refuseUpload shows the form again if the user can mend what was wrong, with all
// faults at once.
func (h *Handlers) refuseUpload(v *page.Visit, form uploaded, err error) error {
	key, ok := formFaults[apperr.CodeOf(err)]
	if !ok {
		return err
	}
	v.LogFailure(err)
	t := v.T
	faults := []templates.FieldError{{Field: "file", Message: t.T(key, "mb", h.maxMegabytes(), "uploads", h.o.Door.Most())}}
	status := apperr.Status(err)
	if code := apperr.CodeOf(err); code == "file_missing" || code == "file_empty" {
		// The form came in whole: what it lacks is the user's to fill in.
		status = http.StatusUnprocessableEntity
		if form.mode == "" {
			faults = slices.Insert(faults, 0, templates.FieldError{Field: "mode", Message: t.T("upload.mode_missing")})
		}
	}
	if !form.whole { // what the user ticked is not known
		form.repairs = v.Query().Get(repairsParam)
	}
	return h.showUpload(v, status, form, faults...)
}
