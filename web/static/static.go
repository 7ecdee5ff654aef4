// Package static serves the built assets: style sheet, script, fonts and icon.
//
// They are built from web/src into dist and committed, so that a Go toolchain is
// enough to build Sluis. A file's name has a hash of its content, so that a browser
// may keep it for ever. The package serves nothing that a person delivered.
package static

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
)

// Prefix is the path under which [Handler] must be mounted.
const Prefix = "/static/"

// forever is the Cache-Control of files whose name changes with their content.
const forever = "public, max-age=31536000, immutable"

//go:embed dist
var embedded embed.FS

// Logical names of the assets.
const (
	Style  = "app.css"
	Script = "app.js"
	// Posted is the script of a page that answers a form. It comes before everything else.
	Posted = "posted.js"
	Icon   = "icon.svg"
)

var (
	files = dist()
	names = read(files)
)

// types are the content types by extension. The machine's own MIME table may lack
// one, and because of nosniff a browser refuses a file with a wrong type.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

// Path returns the path of a logical name, such as "app.css". It panics for an
// unknown name, which is a mistake of the program. The names in use are checked at
// start.
func Path(name string) string {
	hashed, ok := names[name]
	if !ok {
		panic(fmt.Sprintf("static: no asset %q in dist/meta.json", name))
	}
	return Prefix + hashed
}

// Handler returns the handler of the assets under [Prefix]. It answers 404 to
// anything else, a folder and meta.json among them.
func Handler() http.Handler {
	server := http.StripPrefix(Prefix, http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, ok := types[path.Ext(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if _, err := fs.Stat(files, path.Base(r.URL.Path)); err != nil || path.Dir(r.URL.Path)+"/" != Prefix {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", forever)
		server.ServeHTTP(w, r)
	})
}

func dist() fs.FS {
	sub, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	return sub
}

// read returns the hashed names of the assets by their logical names. It panics if
// one is missing: the program had better not start without its style sheet.
func read(files fs.FS) map[string]string {
	raw, err := fs.ReadFile(files, "meta.json")
	if err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	var m map[string]string
	if err := json.Unmarshal(raw, &m); err != nil {
		panic(fmt.Sprintf("static: dist/meta.json: %v", err))
	}
	for _, name := range []string{Style, Script, Posted, Icon} {
		if _, err := fs.Stat(files, m[name]); err != nil || m[name] == "" {
			panic(fmt.Sprintf("static: %s is missing from dist; run npm run build in web", name))
		}
	}
	return m
}
