package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// maxPrompt is how many bytes of a prompt are read, of which no context holds a
// tenth.
const maxPrompt = 16 << 20

// readPrompt finds the text: an argument, -p, the file of -f, or standard input,
// if one of these says - or there is none and it is no terminal. What stands on
// the command line may have escapes, as llama.cpp has it.
func (f *generateFlags) readPrompt(cmd *cobra.Command, args []string, in io.Reader) error {
	given := map[string]bool{"-p": cmd.Flags().Changed("prompt"), "-f": cmd.Flags().Changed("file"), "an argument": len(args) > 0}
	for _, pair := range [][2]string{{"-p", "-f"}, {"-p", "an argument"}, {"-f", "an argument"}} {
		if given[pair[0]] && given[pair[1]] {
			return usage("%s and %s: one of the two is the text", pair[0], pair[1])
		}
	}
	if len(args) > 0 {
		f.prompt = args[0]
	}
	var err error
	switch {
	case given["-f"] && f.file != "-":
		f.prompt, err = readTextFile(f.file, maxPrompt)
	case given["-f"] || f.prompt == "-" || !given["-p"] && len(args) == 0 && !isTerminal(in):
		f.prompt, err = readText(in, maxPrompt)
	case f.escape:
		f.prompt = unescape(f.prompt)
	}
	if err == nil && f.prompt == "" {
		err = usage("no prompt: give the text as an argument, with -p or -f, or on standard input")
	}
	return err
}

// checkText refuses arguments that are more than one text, or none.
func checkText(args []string) error {
	if len(args) > 1 {
		return usage("%d arguments: the text is one, in quotation marks", len(args))
	}
	if len(args) == 1 && strings.EqualFold(filepath.Ext(args[0]), ".gguf") {
		return usage("%s is no text: -m names the model, or bitnet-gpu run %s TEXT", args[0], args[0])
	}
	return nil
}

// readTextFile reads a file of text.
func readTextFile(path string, limit int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", usage("-f %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return "", usage("-f %s is a directory", path)
	}
	text, err := readText(file, limit)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return text, err
}

// readText reads a text of at most limit bytes.
func readText(in io.Reader, limit int64) (string, error) {
	name := "standard input"
	if f, ok := in.(*os.File); ok && f != os.Stdin {
		name = "the file"
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return "", usage("%s holds more than %d MiB", name, limit>>20)
	}
	if data, err = withoutMark(data); err != nil {
		return "", usage("%s %w", name, err)
	}
	return withoutLineEnd(string(data)), nil
}

// withoutMark takes the byte order mark off a text, which Windows puts there.
func withoutMark(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, errors.New("holds UTF-16: save it as UTF-8")
	}
	return bytes.TrimPrefix(data, []byte("\uFEFF")), nil
}

// withoutLineEnd takes off one line end, which is echo's or the editor's and no
// part of the text.
func withoutLineEnd(text string) string {
	line, ended := strings.CutSuffix(text, "\n")
	if ended {
		line = strings.TrimSuffix(line, "\r")
	}
	return line
}

// unescape turns \n, \r, \t, \\, \', \" and \xHH into what they stand for. Any
// other backslash is one.
func unescape(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		text = rest
		switch {
		case rest == "":
			b.WriteByte('\\')
			continue
		case rest[0] == 'x' && len(rest) >= 3:
			if c, err := strconv.ParseUint(rest[1:3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				text = rest[3:]
				continue
			}
		}
		if i := strings.IndexByte(`nrt\'"`, rest[0]); i >= 0 {
			b.WriteByte("\n\r\t\\'\""[i])
			text = rest[1:]
		} else {
			b.WriteByte('\\')
		}
	}
}
