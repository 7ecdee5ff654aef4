// Package static serves the built assets: style sheet, script, fonts and icon.
//
// They are built from web/src into dist and committed, so that a Go toolchain is
// enough. A file's name holds a hash of its content, so a browser may keep it
// for ever. The package serves nothing that a person delivered.
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

// forever is for content whose name changes with it.
const forever = "public, max-age=31536000, immutable"

//go:embed dist
var embedded embed.FS

// Logical names of the assets.
const (
	Style  = "app.css"
	Script = "app.js"
	Icon   = "icon.svg"
)

var (
	files = dist()
	names = read(files)
)

// types are the content types by extension; a machine's own MIME table need not
// know them, and `nosniff` makes a wrong one fatal.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

// Path gives the path of a logical name, such as "app.css". An unknown name is a
// mistake of the program, so it panics; the names in use are checked at start.
func Path(name string) string {
	hashed, ok := names[name]
	if !ok {
		panic(fmt.Sprintf("static: no asset %q in dist/meta.json", name))
	}
	return Prefix + hashed
}

// Handler serves the assets under [Prefix], for GET and HEAD. Anything else
// under it is 404: there is no listing and no meta.json.
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

// read checks at start that every asset is there: the program without its style
// sheet is better not started.
func read(files fs.FS) map[string]string {
	raw, err := fs.ReadFile(files, "meta.json")
	if err != nil {
		panic(fmt.Sprintf("static: %v", err))
	}
	var m map[string]string
	if err := json.Unmarshal(raw, &m); err != nil {
		panic(fmt.Sprintf("static: dist/meta.json: %v", err))
	}
	for _, name := range []string{Style, Script, Icon} {
		if _, err := fs.Stat(files, m[name]); err != nil || m[name] == "" {
			panic(fmt.Sprintf("static: %s is missing from dist; run npm run build in web", name))
		}
	}
	return m
}
