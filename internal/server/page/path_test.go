package page

import (
	"net/url"
	"strings"
	"testing"
)

func TestReturnPath(t *testing.T) {
	for given, want := range map[string]string{
		"/": "/", "/patienten?na=x": "/patienten?na=x", "": "/", "patienten": "/", "//evil.example": "/", `/\evil.example`: "/",
		"/\\/evil": "/", "https://evil.example": "/", "/%2F%2Fevil.example": "/", "/%5Cevil": "/", "/a\r\nSet-Cookie:x": "/",
		"/\t/evil":         "/",
		"/api/v1/patients": "/", "/inloggen?next=/": "/", "/uitloggen": "/", "/patienten#top": "/", "javascript:alert(1)": "/",
		"/a/../../b": "/",
	} {
		if got := ReturnPath(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func FuzzReturnPath(f *testing.F) {
	for _, s := range []string{"/", "//evil", `/\evil`, "/%2f/evil", "/\x00", "/ /", "/a?b=//c", "/;@evil", "/a:b@c",
		"/" + strings.Repeat("}", 400)} {
		f.Add(s)
	}
	home := &url.URL{Scheme: "https", Host: "sluis.example.nl", Path: "/inloggen"}
	f.Fuzz(func(t *testing.T, s string) {
		got := ReturnPath(s)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t\x00 ") {
			t.Fatalf("%q leads to %q", s, got)
		}
		u, err := home.Parse(got)
		if err != nil || u.Host != home.Host || u.Scheme != home.Scheme {
			t.Fatalf("%q leads to %v, %v", s, u, err)
		}
		if again := ReturnPath(got); again != got {
			t.Fatalf("%q gives %q, and that gives %q", s, got, again)
		}
	})
}
