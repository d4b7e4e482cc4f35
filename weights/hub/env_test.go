package hub

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// setEnv sets the variables that the hub's tools know to these, and no others.
func setEnv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{
		"HF_HOME", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "XDG_CACHE_HOME", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN",
		"HUGGINGFACE_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN", "TRANSFORMERS_CACHE", "TRANSFORMERS_OFFLINE",
	} {
		t.Setenv(name, env[name])
	}
	if env["HOME"] != "" {
		t.Setenv("HOME", env["HOME"])
	}
}

func TestFromEnv(t *testing.T) {
	home := t.TempDir()
	os.WriteFile(filepath.Join(home, "token"), []byte("hf_file\n"), 0o600)
	for _, test := range []struct {
		env                 map[string]string
		cache, token, where string
		offline             bool
	}{
		{map[string]string{"HF_HOME": home}, filepath.Join(home, "hub"), "hf_file", "", false},
		{map[string]string{"HF_HOME": home, "HF_TOKEN": " hf_env "}, filepath.Join(home, "hub"), "hf_env", "", false},
		{map[string]string{"HF_HOME": home, "HF_HUB_CACHE": "/c"}, "/c", "hf_file", "", false},
		{map[string]string{"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub", "", "", false},
		{map[string]string{"HOME": "/h", "HF_ENDPOINT": "https://m.example/", "HF_HUB_OFFLINE": "YES"}, "/h/.cache/huggingface/hub", "", "https://m.example/", true},
		{map[string]string{"HOME": "/h", "HF_HOME": "~/y", "HF_HUB_OFFLINE": "0"}, "/h/y/hub", "", "", false},

		// Written where no shell looks at it.
		{map[string]string{"HOME": "/h", "HF_HOME": "$HOME/y"}, "/h/y/hub", "", "", false},
		{map[string]string{"HOME": "/h", "HF_HUB_CACHE": "${HOME}/y-$HF_ENDPOINT", "HF_ENDPOINT": "z"}, "/h/y-z", "", "z", false},
		{map[string]string{"HOME": "/h", "XDG_CACHE_HOME": "~"}, "/h/huggingface/hub", "", "", false},
		{map[string]string{"HF_HOME": "/y", "HF_TOKEN_PATH": home + "/$HF_ENDPOINT", "HF_ENDPOINT": "token"}, "/y/hub", "hf_file", "token", false},

		// Older names.
		{map[string]string{"HF_HOME": "/y", "HUGGINGFACE_HUB_CACHE": "/c", "TRANSFORMERS_OFFLINE": "1"}, "/c", "", "", true},
		{map[string]string{"HF_HUB_CACHE": "/new", "HUGGINGFACE_HUB_CACHE": "/c"}, "/new", "", "", false},
		{map[string]string{"HUGGINGFACE_HUB_CACHE": "/c", "TRANSFORMERS_CACHE": "/t"}, "/c", "", "", false},
		{map[string]string{"XDG_CACHE_HOME": "/x", "TRANSFORMERS_CACHE": "/t"}, "/t", "", "", false},
		{map[string]string{"HF_HOME": "/y", "TRANSFORMERS_CACHE": "/t"}, "/y/hub", "", "", false},
		{map[string]string{"HF_HOME": home, "HUGGING_FACE_HUB_TOKEN": "hf_old"}, filepath.Join(home, "hub"), "hf_old", "", false},
		{map[string]string{"HF_HOME": home, "HUGGING_FACE_HUB_TOKEN": "hf_old", "HF_TOKEN": "hf_new"}, filepath.Join(home, "hub"), "hf_new", "", false},
		{map[string]string{"HF_HOME": home, "HF_TOKEN": "hf_new", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, filepath.Join(home, "hub"), "", "", false},
		{map[string]string{"HF_HOME": "/y", "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, "/y/hub", "", "", false},
	} {
		if runtime.GOOS == "windows" && test.env["HF_HOME"] != home {
			continue
		}
		setEnv(t, test.env)
		c, err := FromEnv()
		if err != nil {
			t.Fatal(err)
		}
		if c.Cache != test.cache || c.Token != test.token || c.Endpoint != test.where || c.Offline != test.offline {
			t.Errorf("%v: cache %s, token %q, endpoint %q, offline %v", test.env, c.Cache, c.Token, c.Endpoint, c.Offline)
		}
	}
	setEnv(t, map[string]string{"HF_HUB_CACHE": "$BITNET_TEST_NOWHERE/hub"})
	if _, err := FromEnv(); err == nil || err.Error() != "HF_HUB_CACHE=$BITNET_TEST_NOWHERE/hub: BITNET_TEST_NOWHERE is not set" {
		t.Error(err)
	}
	setEnv(t, map[string]string{"HF_HOME": "~nobody-of-this-name/x"})
	if _, err := FromEnv(); err == nil {
		t.Error("the folder of a user that there is not")
	}
	for _, bad := range []string{"ftp://x", "huggingface.co", "https://", "https://user:pw@x", "https://x?y"} {
		c := &Client{Endpoint: bad, Cache: t.TempDir()}
		if _, err := c.Fetch(background, testRef, nil); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), "expected an address such as https://huggingface.co") {
			t.Errorf("HF_ENDPOINT=%s: %v", bad, err)
		}
	}
}
