package hub

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// FromEnv makes a client from the variables of the hub's own tools, old names and
// new ones, with the meaning and in the order that huggingface_hub has
// (constants.py, version 1.0): HF_ENDPOINT; HF_TOKEN or HUGGING_FACE_HUB_TOKEN, else the file
// HF_TOKEN_PATH, or token in HF_HOME, unless HF_HUB_DISABLE_IMPLICIT_TOKEN;
// HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, or hub in HF_HOME, which is huggingface in
// XDG_CACHE_HOME or ~/.cache; HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE.
// TRANSFORMERS_CACHE, of transformers alone, counts where no other names a folder.
// In paths a leading ~ and $NAME are expanded, since no shell may have seen them.
func FromEnv() (*Client, error) {
	home, err := homeFolder()
	if err != nil {
		return nil, err
	}
	c := &Client{
		Endpoint: os.Getenv("HF_ENDPOINT"),
		Cache:    filepath.Join(home, "hub"),
		Offline:  isTrue(or(os.Getenv("HF_HUB_OFFLINE"), os.Getenv("TRANSFORMERS_OFFLINE"))),
	}
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"} {
		if os.Getenv(name) == "" || name == "TRANSFORMERS_CACHE" && os.Getenv("HF_HOME") != "" {
			continue
		}
		if c.Cache, err = folder(name); err != nil {
			return nil, err
		}
		break
	}
	if isTrue(os.Getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return c, nil
	}
	c.Token, err = token(home)
	return c, err
}

// homeFolder is where the hub's tools have the cache and the token.
func homeFolder() (string, error) {
	if os.Getenv("HF_HOME") != "" {
		return folder("HF_HOME")
	}
	if os.Getenv("XDG_CACHE_HOME") != "" {
		cache, err := folder("XDG_CACHE_HOME")
		return filepath.Join(cache, "huggingface"), err
	}
	home, err := userHome("")
	if err != nil {
		return "", fmt.Errorf("no folder for the cache of models: set HF_HOME: %w", err)
	}
	return filepath.Join(home, ".cache", "huggingface"), nil
}

func token(home string) (string, error) {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if text := strings.TrimSpace(os.Getenv(name)); text != "" {
			return text, nil
		}
	}
	path := filepath.Join(home, "token")
	if os.Getenv("HF_TOKEN_PATH") != "" {
		var err error
		if path, err = folder("HF_TOKEN_PATH"); err != nil {
			return "", err
		}
	}
	if text, err := os.ReadFile(path); err == nil && len(text) < 4096 {
		return strings.TrimSpace(string(text)), nil
	}
	return "", nil
}

func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "1", "on", "yes", "true":
		return true
	}
	return false
}

// folder returns the path that a variable holds. A variable in it that is not set
// would make a folder of its name in the working one: that is an error.
func folder(name string) (string, error) {
	path, err := expand(os.Getenv(name))
	if err != nil {
		return "", fmt.Errorf("%s=%s: %w", name, os.Getenv(name), err)
	}
	return path, nil
}

var (
	variable = regexp.MustCompile(`\$(\w+|\{[^}]*\})`)
	percent  = regexp.MustCompile(`%(\w+)%`)
)

// expand resolves a leading ~ or ~NAME, and variables.
func expand(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~"); ok {
		end := strings.IndexFunc(rest, func(c rune) bool { return c < 128 && os.IsPathSeparator(uint8(c)) })
		if end < 0 {
			end = len(rest)
		}
		home, err := userHome(rest[:end])
		if err != nil {
			return "", err
		}
		path = home + rest[end:]
	}
	pattern := variable
	if runtime.GOOS == "windows" && percent.MatchString(path) {
		pattern = percent
	}
	var err error
	path = pattern.ReplaceAllStringFunc(path, func(found string) string {
		name := strings.Trim(found, "${}%")
		value, ok := os.LookupEnv(name)
		if !ok && err == nil {
			err = fmt.Errorf("%s is not set", name)
		}
		return value
	})
	return path, err
}

// userHome is the folder of a user, or of this one, who may have no HOME.
func userHome(name string) (string, error) {
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.HomeDir, nil
	}
	home, err := os.UserHomeDir()
	if err == nil {
		return home, nil
	}
	u, errUser := user.Current()
	if errUser != nil || u.HomeDir == "" {
		return "", err
	}
	return u.HomeDir, nil
}
