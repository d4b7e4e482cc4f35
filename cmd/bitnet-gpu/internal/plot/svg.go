package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
)

// SVG returns the chart as a picture for browsers.
func (c *Chart) SVG() []byte {
	var s svg
	width, height := c.size()
	fmt.Fprintf(&s.Buffer, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="Helvetica, Arial, sans-serif">`+"\n", width, height)
	fmt.Fprintf(&s.Buffer, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n")
	c.draw(&s)
	s.WriteString("</svg>\n")
	return s.Bytes()
}

type svg struct{ bytes.Buffer }

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func (s *svg) line(x1, y1, x2, y2, width float64, c color.RGBA) {
	fmt.Fprintf(s, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>`+"\n", x1, y1, x2, y2, hex(c), width)
}

func (s *svg) dot(x, y, radius float64, c color.RGBA) {
	fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="%g" fill="%s"/>`+"\n", x, y, radius, hex(c))
}

func (s *svg) text(x, y, size float64, at anchor, c color.RGBA, text string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" font-size="%g" text-anchor="%s" fill="%s">`, x, y, size, [...]string{"start", "middle", "end"}[at], hex(c))
	_ = xml.EscapeText(s, []byte(text)) // a buffer takes everything
	s.WriteString("</text>\n")
}
