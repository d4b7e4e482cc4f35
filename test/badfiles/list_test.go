package badfiles

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// list is what an engine has to survive with one clear line, in the order of the
// project's checklist, and the tests that show it: the package's folder and the
// function, or "case: " and the names of Cases, all of which weights.TestBadFiles
// opens (one line, the kind of error, the memory it takes) and
// cmd/bitnet-gpu.TestBadFiles runs (exit code 3).
var list = []struct {
	item  string
	tests string // separated by "; "
}{
	// Files.
	{"1: empty file, 3 bytes", "case: empty file; case: 3 bytes; case: header cut; weights/gguf.TestTruncated"},
	{"2: magic, big-endian, versions, a web page, an LFS pointer", "case: wrong magic; case: big-endian; case: big-endian magic; " +
		"case: version 1; case: version 99; case: HTML page; case: LFS pointer"},
	{"3: 2^63 keys or tensors", "case: 2^63 keys; case: 2^63 tensors"},
	{"4: a string longer than the file", "case: string longer than the file; case: string of 2^64-1; case: key of 65536 bytes"},
	{"5: an array of 2^40, arrays of arrays", "case: array of 2^40; case: array of arrays; case: array with a string too long"},
	{"6: a key or a tensor twice", "case: key twice; case: tensor twice"},
	{"7: unknown type of value", "case: key of control characters; case: bool of 7"},
	{"8: alignment", "case: alignment 0; case: alignment 3; case: alignment 2^31; case: alignment as text"},
	{"9: number of dimensions", "case: no dims; case: 5 dims; case: 2^32-1 dims"},
	{"10: dimensions", "case: a dim of 0; case: a dim of -1; case: dims overflow; case: dims wrap to the right size"},
	{"11: unknown or ambiguous types", "case: unknown tensor type; case: type 36 of ggml; case: ambiguous tensor type; case: type 41; case: type 42; case: TL1"},
	{"12: offsets, overlap, a cut file", "case: offset past the end; case: offset of 2^63; case: offset not aligned; case: tensors overlap; case: last tensor cut; case: no data at all"},
	{"13: I2_S", "case: I2_S without its scale; case: the last I2_S without its scale; case: scale NaN; case: scale infinite; case: scale 0; " +
		"case: scale negative; case: scale too small; case: code 3; case: I2_S of odd size"},
	{"14: tensors and hyper-parameters", "case: tensor missing; case: wrong shape; case: feed-forward width; case: no heads; case: no KV heads; " +
		"case: odd number of KV heads; case: a block missing; case: a block too many; case: rope base NaN"},
	{"15: vocabulary", "case: fewer tokens than rows; case: two tokens alike; case: a merge of an unknown token; case: end token out of range; " +
		"case: the byte -1; case: a byte without a token; engine/tokenizer.TestNewRefuses; engine/tokenizer.TestSentencePieceRefuses; weights/vocab.TestParseRefuses"},
	{"16: chat template without end", "case: a template without end; case: a template that reads files; case: a template of 100 KiB; engine/chat/jinja.TestLimits; engine/chat.TestRefusals"},
	{"17: safetensors and its index", "weights/safetensors.TestHostile; weights/safetensors.TestIndex; weights.TestBadDirs; cmd/bitnet-gpu.TestBadDirectories"},
	{"18: a file that shrinks or is rewritten while in use", "weights.TestShrunk; weights/gguf.TestStringsChanged; engine.TestShrunk"},
	{"19: unreadable, a directory, a pipe, a device", "weights.TestUnreadable; weights.TestPipe; case: directory; case: no file; case: in a file"},
	// Besides: the memory that any of these takes.
	{"memory in proportion to the file", "weights.TestMemory; weights/vocab.TestMemory; engine/tokenizer.TestMemory"},

	// Machine.
	{"20: no GPU, no library, no device, software, too old", "gpu/vulkan.TestNoLibrary; gpu/vulkan.TestNoDevice; gpu/opengl.TestNoLibrary; gpu/driver.TestMark; gpu/driver.TestSoftwareFromEnv"},
	{"21: out of device memory, at any time", "gpu.TestNoMemory; gpu/vulkan.TestNoMemory; gpu/opengl.TestNoMemory; test.TestVulkanFaults; test.TestOpenGLFaults"},
	{"22: device lost", "gpu.TestLost; gpu/vulkan.TestLost; gpu/opengl.TestLost; engine.TestFallback; test.TestVulkanFaults"},
	{"23: small limits, missing features", "gpu.TestTooLarge; gpu/vulkan.TestRanges; gpu/vulkan.TestDot; gpu.TestVariant"},
	{"24: a shader that computes wrongly", "gpu.TestProbe"},
	{"25: a CPU without vector instructions", "cpu/kernel.TestPick; cpu/kernel.TestRequiredPaths"},
	{"26: memory and disk of the host", "cmd/bitnet-gpu.TestNoMemory; weights/hub.TestNoRoom; weights/hub.TestFullDisk; weights/hub.TestSmallDisk; weights/hub.TestTwoPulls; weights/hub.TestNoSymlinks"},

	// Requests. The items 27 and 30 to 32 are a server's, which there is none of.
	{"27: invalid UTF-8", "engine/tokenizer.FuzzRoundTrip"},
	{"28: prompt too long or empty, ids out of range", "engine.TestErrors; engine.TestContext; cmd/bitnet-gpu.TestUsage"},
	{"29: sampling out of range", "engine/sample.TestValidate; cmd/bitnet-gpu.TestUsage"},
	{"33: pull", "weights/hub.TestMisbehaviour; weights/hub.TestTokenStays; weights/hub.TestPrivateNames; weights/hub.FuzzFiles; cmd/bitnet-gpu.TestPullExitCodes"},
	{"34: NaN", "engine.TestDamaged; gpu.TestNumeric; test.TestCPUNumeric; test.TestVulkanNumeric; test.TestOpenGLNumeric"},
}

// TestList sees to it that every test of the list is there.
func TestList(t *testing.T) {
	cases, err := Cases(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range list {
		for name := range strings.SplitSeq(entry.tests, "; ") {
			if c, ok := strings.CutPrefix(name, "case: "); ok {
				if c != "in a file" && !slices.ContainsFunc(cases, func(have Case) bool { return have.Name == c }) { // Windows has not that one
					t.Errorf("%s: no case %q", entry.item, c)
				}
				continue
			}
			dir, function, _ := strings.Cut(name, ".")
			files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(files, func(file string) bool { return declares(t, file, function) }) {
				t.Errorf("%s: no %s in %s", entry.item, function, dir)
			}
		}
	}
}

func declares(t *testing.T, file, function string) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(data), "\nfunc "+function+"(")
}

// TestNames: a case is known by its name.
func TestNames(t *testing.T) {
	cases, err := Cases(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.Name] || c.Want == "" {
			t.Errorf("%q stands there twice, or wants nothing", c.Name)
		}
		seen[c.Name] = true
	}
}
