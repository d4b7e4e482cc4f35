package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A peerFlag is a flag of llama.cpp's programs or of bitnet.cpp's script, under all
// of its names. It is one of ours, passed over or refused, and never read as
// another one: pflag would take -ngl 99 for -n gl.
type peerFlag struct {
	names  string // separated by blanks
	values int    // how many follow: 0, 1, 2, or maybe

	ours   string                                // our flag, which gets the value
	pass   string                                // why it is passed over
	off    string                                // the value that asks for nothing, where any other is refused
	refuse string                                // what to do instead
	read   func(value string) (ours, why string) // our flag with its value, or why it is passed over, or both
}

// maybe is a flag that older programs have without a value and newer ones with
// on, off or the like.
const maybe = -1

var switchValue = regexp.MustCompile(`^(on|off|auto|true|false|enabled|disabled|[01](,[01])*)$`)

// dialect spells a command line in our flags, and says on errs which it passes
// over. The verb's own flags go first: -r is bench's as llama-bench has it.
func dialect(root *cobra.Command, args []string, errs io.Writer) ([]string, error) {
	if len(args) == 0 || strings.HasPrefix(args[0], "__") { // the latter are the shell's questions
		return args, nil
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	root.InitDefaultVersionFlag()
	root.InitDefaultHelpFlag()
	if name, _, _ := strings.Cut(args[0], "="); strings.HasPrefix(name, "-") && isFlag(root.Flags(), name) {
		return args, nil
	}
	verb := verbOf(root, args)
	if verb == nil {
		return args, unknownVerb(root, args[0])
	}
	if verb.HasSubCommands() || verb.Name() == "help" {
		return args, nil
	}
	verb.InitDefaultHelpFlag()
	d := translator{flags: verb.Flags(), rest: args[1:], spelled: args[:1:1]}
	for len(d.rest) > 0 && d.rest[0] != "--" {
		note, err := d.next()
		if err != nil {
			return args, err
		}
		if note != "" {
			fmt.Fprintf(errs, "bitnet-gpu: %s\n", note)
		}
	}
	return append(d.spelled, d.rest...), nil
}

// isFlag reports whether a verb has a flag of this very spelling.
func isFlag(flags *pflag.FlagSet, name string) bool {
	if long, ok := strings.CutPrefix(name, "--"); ok {
		return flags.Lookup(long) != nil
	}
	return len(name) == 2 && flags.ShorthandLookup(name[1:]) != nil
}

// A translator goes through the arguments of a verb.
type translator struct {
	flags   *pflag.FlagSet
	rest    []string // not read yet
	spelled []string // as we spell it
}

// next translates one argument and what belongs to it. A note is for the user.
func (d *translator) next() (note string, err error) {
	arg := d.rest[0]
	d.rest = d.rest[1:]
	if len(arg) < 2 || arg[0] != '-' {
		d.spelled = append(d.spelled, arg)
		return "", nil
	}
	name, value, given := strings.Cut(arg, "=")
	if strings.HasPrefix(name, "--") {
		name = strings.ReplaceAll(name, "_", "-") // as llama.cpp does
	}
	if isFlag(d.flags, name) {
		d.own(name, value, given)
		return "", nil
	}
	if peer := peerFlags[name]; peer != nil {
		values, err := d.take(name, peer.values, value, given)
		if err != nil {
			return "", err
		}
		return d.peer(peer, name, values)
	}
	if long := "-" + name; isFlag(d.flags, long) && name[1] != '-' { // as Go's own programs have it
		d.own(long, value, given)
		return "", nil
	}
	if isFlag(d.flags, arg[:2]) && !isLetter(arg[2]) { // -n5, -m./model.gguf
		d.spelled = append(d.spelled, arg)
		return "", nil
	}
	return "", usage("unknown flag: %s", name)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// own takes over a flag of ours, with the argument behind it if it needs one.
func (d *translator) own(name, value string, given bool) {
	f := d.flags.Lookup(strings.TrimPrefix(name, "--"))
	if f == nil {
		f = d.flags.ShorthandLookup(name[1:])
	}
	if given {
		name += "=" + value
	}
	d.spelled = append(d.spelled, name)
	if !given && f.NoOptDefVal == "" && len(d.rest) > 0 {
		d.spelled, d.rest = append(d.spelled, d.rest[0]), d.rest[1:]
	}
}

// take reads the values behind a flag.
func (d *translator) take(name string, n int, value string, given bool) (values []string, err error) {
	if given {
		values = append(values, value)
	}
	if n == maybe {
		n = 0
		if !given && len(d.rest) > 0 && switchValue.MatchString(d.rest[0]) {
			n = 1
		}
	}
	for len(values) < n {
		if len(d.rest) == 0 {
			return nil, usage("flag needs an argument: %s", name)
		}
		values, d.rest = append(values, d.rest[0]), d.rest[1:]
	}
	return values, nil
}

// peer does with another program's flag what the table says.
func (d *translator) peer(p *peerFlag, name string, values []string) (note string, err error) {
	said := strings.Join(append([]string{name}, values...), " ")
	value := strings.Join(values, " ")
	ours, why := p.ours, p.pass
	switch {
	case p.read != nil:
		ours, why = p.read(value)
	case ours != "" && p.values != 0:
		ours += "=" + value
	}
	flag, _, _ := strings.Cut(ours, "=")
	switch {
	case ours != "" && isFlag(d.flags, flag):
		d.spelled = append(d.spelled, ours)
		if why == "" {
			return "", nil
		}
		return said + ": " + why, nil
	case ours != "" && why == "":
		return "", usage("%s: there is no %s with this verb", said, flag)
	case why != "":
		return said + " is passed over: " + why, nil
	case p.off != "" && isOff(value, p.off):
		return said + " is passed over: it asks for nothing", nil
	}
	return "", usage("%s: %s", said, p.refuse)
}

// isOff compares a value with the one that switches something off, as numbers if
// they are some.
func isOff(value, off string) bool {
	var a, b float64
	_, err1 := fmt.Sscan(value, &a)
	_, err2 := fmt.Sscan(off, &b)
	return value == off || err1 == nil && err2 == nil && a == b
}
