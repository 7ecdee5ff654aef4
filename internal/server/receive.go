package server

import (
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/server/request"
	"sluis/internal/server/upload"
	"sluis/web/templates"
)

const (
	// overhead is what a multipart body is larger than its file.
	overhead = 1 << 20
	// maxField is how long a field before the file is at most, in bytes.
	maxField = 1 << 10
)

// uploadForm is GET /aanleveringen/nieuw.
func (s *Server) uploadForm(w http.ResponseWriter, r *http.Request) error {
	return s.showUpload(w, r, http.StatusOK, uploaded{repairs: r.URL.Query().Get(repairsParam)})
}

// showUpload shows the upload form, with what was wrong with the try before.
func (s *Server) showUpload(w http.ResponseWriter, r *http.Request, status int, form uploaded, faults ...templates.FieldError) error {
	centre := request.Actor(r).Centre
	if centre == nil {
		return apperr.New(apperr.Forbidden, "centre_missing")
	}
	page := templates.Upload{
		Page: s.base(r, s.deliveriesCrumbs(r)...), Centre: centreName(*centre), Mode: string(form.mode), Errors: faults,
		Action: link("/aanleveringen", "sleutel", newFormKey(), repairsParam, r.URL.Query().Get(repairsParam)), Kinds: s.fileKinds(r, *centre),
		MaxMegabytes: int(s.MaxFileBytes >> 20), MaxRows: s.MaxRows, MaxColumns: intake.MaxColumns, MaxCell: intake.MaxCell, MaxUploads: s.MaxUploads,
	}
	var err error
	if page.Repair, err = s.uploadRepair(r, form); err != nil {
		return err
	}
	if page.Kept, err = s.Columns.Remembered(r.Context(), centre.ID); err != nil {
		return err
	}
	return s.render(w, r, status, templates.UploadPage(page))
}

// receive is POST /aanleveringen: the file is read as a stream, and its form key
// makes pressing the button twice one delivery.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) error {
	centre := request.Actor(r).Centre
	if centre == nil {
		return apperr.New(apperr.Forbidden, "centre_missing")
	}
	upload.Body(w, r, s.MaxFileBytes+overhead)
	var form uploaded
	id, err := s.uploads.Once(r.Context(), r.URL.Query().Get("sleutel"), request.Actor(r).UserID, func() (string, error) {
		return s.receiveOnce(r, *centre, &form)
	})
	upload.Finish(w, r)
	if err != nil {
		return s.refuseUpload(w, r, form, err)
	}
	if form.modeUnknown {
		if err := s.flash(r, s.text(r).T("flash.delivered")+" "+s.text(r).T("mode.check"), false); err != nil {
			return err
		}
	}
	s.awaitResult(r, request.Actor(r).Scope(), id)
	return redirect(w, r, deliveryPath(id))
}

// uploaded is what the upload form said beside the file.
type uploaded struct {
	mode    delivery.Mode
	repairs string // the delivery that the file is to repair, where the user left that ticked
	whole   bool   // all before the file was read
	// modeUnknown says that the choice did not come before the file, so that it
	// was only checked.
	modeUnknown bool
}

// receiveOnce reads the form up to its file and takes that in.
func (s *Server) receiveOnce(r *http.Request, centre account.Centre, form *uploaded) (string, error) {
	leave, err := s.gate.Enter(centre.ID)
	if err != nil {
		return "", err
	}
	defer leave()
	if upload.Announced(r, s.MaxFileBytes+overhead) {
		return "", apperr.New(apperr.TooLarge, "file_too_large")
	}
	parts, err := r.MultipartReader()
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
			return s.receiveFile(r, centre, form, part)
		}
	}
}

func (s *Server) receiveFile(r *http.Request, centre account.Centre, form *uploaded, part *multipart.Part) (string, error) {
	name := upload.Name(part.FileName())
	if name == "" {
		return "", apperr.New(apperr.Invalid, "file_missing")
	}
	mode := form.mode
	if mode == "" {
		mode, form.modeUnknown = delivery.Check, true // the safe one
	}
	id, err := s.Receiver.Receive(r.Context(), intake.Upload{
		Who: request.Who(r), Centre: centre, Filename: name, Mode: mode, Via: request.Web, Repairs: form.repairs,
	}, upload.Limit(part, s.MaxFileBytes))
	if err != nil {
		return "", err
	}
	return id, nil
}

// readMode reads what is to become of the file.
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

// formFaults are the errors of an upload that its form tells at the file, and
// the words for them.
var formFaults = map[string]string{
	"file_missing": "upload.file_missing", "file_empty": "upload.file_empty",
	"file_too_large": "upload.file_too_large", "upload_interrupted": "upload.interrupted", "too_many_uploads": "upload.too_many",
}

// refuseUpload shows the form again where the user can mend what was wrong, all
// of it at once.
func (s *Server) refuseUpload(w http.ResponseWriter, r *http.Request, form uploaded, err error) error {
	key, ok := formFaults[apperr.CodeOf(err)]
	if !ok {
		return err
	}
	request.LogFailure(s.Log, r, err)
	t := s.text(r)
	faults := []templates.FieldError{{Field: "file", Message: t.T(key, "mb", int(s.MaxFileBytes>>20), "uploads", s.MaxUploads)}}
	status := apperr.Status(err)
	if code := apperr.CodeOf(err); code == "file_missing" || code == "file_empty" {
		// The form came in whole: what it lacks is the user's to fill in.
		status = http.StatusUnprocessableEntity
		if form.mode == "" {
			faults = slices.Insert(faults, 0, templates.FieldError{Field: "mode", Message: t.T("upload.mode_missing")})
		}
	}
	if !form.whole { // what the user ticked is not known
		form.repairs = r.URL.Query().Get(repairsParam)
	}
	return s.showUpload(w, r, status, form, faults...)
}
