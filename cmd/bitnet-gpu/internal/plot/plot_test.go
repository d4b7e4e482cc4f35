package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func sample() *Chart {
	return &Chart{
		Title: "a <model> & more", Note: "medians",
		Panels: []Panel{
			{Title: "prompt", X: "threads", Y: "tokens/s", Series: []Series{
				{"pp512", []Point{{1, 80, 75, 86}, {2, 150, 149, 151}}},
			}},
			{Title: "decode", X: "depth", Y: "tokens/s", Series: []Series{
				{"tg128", []Point{{0, 20, 19, 21}, {1024, 18, 17, 18.5}, {4096, 15, 14, 16}}},
				{"one point", []Point{{2048, 7, 7, 7}}},
			}},
		},
	}
}

// TestSVG reads the picture back: it is XML, names everything, and nothing lies
// outside.
func TestSVG(t *testing.T) {
	c := sample()
	data := c.SVG()
	width, height := c.size()
	var texts []string
	circles := 0
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			texts = append(texts, strings.TrimSpace(string(token)))
		case xml.StartElement:
			if token.Name.Local == "circle" {
				circles++
			}
		}
	}
	for _, want := range []string{"a <model> & more", "medians", "prompt", "decode", "threads", "depth", "tokens/s", "pp512", "tg128", "one point", "0", "2", "150", "4000"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no text %q", want)
		}
	}
	if circles != 6+3 { // points, and one in each line of the legends
		t.Errorf("%d dots, expected 9", circles)
	}
	if strings.Contains(string(data), `"-`) || width != 2*panelWidth || height < top+plotHeight+below {
		t.Errorf("something lies outside of the %d x %d picture", width, height)
	}
	if !bytes.Equal(data, c.SVG()) {
		t.Error("the same chart gives another picture")
	}
}

// TestPNG looks at the colours where lines and letters must be.
func TestPNG(t *testing.T) {
	c := sample()
	data, err := c.PNG()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	width, height := c.size()
	if size := picture.Bounds().Size(); size != (image.Point{width * pixels, height * pixels}) {
		t.Errorf("a picture of %v, expected %d x %d", size, width*pixels, height*pixels)
	}
	for _, check := range []struct {
		what string
		box  image.Rectangle // in units
		is   func(r, g, b uint32) bool
		low  int // pixels
	}{
		{"the title", image.Rect(16, 10, 200, 36), func(r, _, _ uint32) bool { return r < 0x60 }, 300},
		{"the first line", image.Rect(left, top, left+plotWidth, top+plotHeight), func(r, _, b uint32) bool { return r < 0x40 && b > 0x90 }, 1000},
		{"a line that is not there", image.Rect(left, top, left+plotWidth, top+plotHeight), func(r, g, _ uint32) bool { return r > 0xC0 && g < 0x80 }, 0},
		{"the second line of the legend", image.Rect(panelWidth, top+plotHeight+below+10, 2*panelWidth, height-noteHeight), func(r, g, _ uint32) bool { return r > 0xC0 && g < 0x80 }, 30},
	} {
		n := 0
		for y := check.box.Min.Y * pixels; y < check.box.Max.Y*pixels; y++ {
			for x := check.box.Min.X * pixels; x < check.box.Max.X*pixels; x++ {
				if r, g, b, _ := picture.At(x, y).RGBA(); check.is(r>>8, g>>8, b>>8) {
					n++
				}
			}
		}
		if n < check.low || check.low == 0 && n > 0 {
			t.Errorf("%s: %d pixels", check.what, n)
		}
	}
}

// TestEmpty draws what there may be little of.
func TestEmpty(t *testing.T) {
	for name, c := range map[string]*Chart{
		"nothing":     {},
		"no series":   {Panels: []Panel{{}}},
		"no points":   {Panels: []Panel{{Series: []Series{{}}}}},
		"all at zero": {Panels: []Panel{{Series: []Series{{Points: []Point{{}}}}}}},
	} {
		if svg := string(c.SVG()); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: %s", name, svg)
		}
		if _, err := c.PNG(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		most      int
		least     float64
		want      []float64
	}{
		{0, 20, 6, 0, []float64{0, 5, 10, 15, 20}},
		{0, 1, 6, 0, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{0.9, 2.1, 8, 1, []float64{1, 2}},
		{-160, 4260, 8, 1, []float64{0, 1000, 2000, 3000, 4000}},
		{0, 151, 6, 0, []float64{0, 50, 100, 150}},
	} {
		got := ticks(c.low, c.high, c.most, c.least)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%g to %g: %v, expected %v", c.low, c.high, got, c.want)
		}
	}
	for high := 0.001; high < 1e7; high *= 1.37 {
		if n := len(ticks(0, high, 6, 0)); n < 3 || n > 7 {
			t.Errorf("%d ticks up to %g", n, high)
		}
	}
}
