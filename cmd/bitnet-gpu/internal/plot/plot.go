// Package plot draws line charts, some panels side by side, as SVG and as PNG.
package plot

import (
	"image/color"
	"math"
	"strconv"
)

// A Chart is a title over panels and a note below them.
type Chart struct {
	Title, Note string
	Panels      []Panel
}

// A Panel has axes of its own: X in whole numbers, and Y from 0 on.
type Panel struct {
	Title, X, Y string
	Series      []Series
}

// A Series is a line of points, in the order of X.
type Series struct {
	Name   string
	Points []Point
}

// A Point has a range about it.
type Point struct {
	X, Y, Low, High float64
}

// A canvas draws in units of a pixel of the SVG, y downwards.
type canvas interface {
	line(x1, y1, x2, y2, width float64, c color.RGBA)
	dot(x, y, radius float64, c color.RGBA)
	// text writes one line on the baseline y, which begins, is centred or ends at x.
	text(x, y, size float64, at anchor, c color.RGBA, text string)
}

type anchor int

const (
	begin anchor = iota
	middle
	end
)

var (
	ink  = color.RGBA{0x22, 0x22, 0x22, 0xFF}
	soft = color.RGBA{0x66, 0x66, 0x66, 0xFF}
	grid = color.RGBA{0xE2, 0xE2, 0xE2, 0xFF}

	// Okabe and Ito's colours, which also those tell apart who see few.
	colours = []color.RGBA{
		{0x00, 0x72, 0xB2, 0xFF}, {0xD5, 0x5E, 0x00, 0xFF}, {0x00, 0x9E, 0x73, 0xFF}, {0xCC, 0x79, 0xA7, 0xFF},
		{0xE6, 0x9F, 0x00, 0xFF}, {0x56, 0xB4, 0xE9, 0xFF}, {0x00, 0x00, 0x00, 0xFF},
	}
)

// Sizes of a panel: its plot, and what is about it.
const (
	plotWidth, plotHeight = 440, 280
	left, right           = 64, 24
	top, below            = 96, 56
	legendLine            = 20
	noteHeight            = 34
	panelWidth            = left + plotWidth + right
)

func (c *Chart) size() (width, height int) {
	legend := 0
	for _, p := range c.Panels {
		legend = max(legend, len(p.Series))
	}
	return max(len(c.Panels), 1) * panelWidth, top + plotHeight + below + legend*legendLine + noteHeight
}

func (c *Chart) draw(to canvas) {
	_, height := c.size()
	to.text(16, 30, 18, begin, ink, c.Title)
	for i, p := range c.Panels {
		p.draw(to, float64(i*panelWidth+left))
	}
	to.text(16, float64(height)-14, 12, begin, soft, c.Note)
}

// draw draws a panel whose axes meet at x.
func (p *Panel) draw(to canvas, x float64) {
	const bottom = top + plotHeight
	lowX, highX, highY := p.bounds()
	xTicks, yTicks := ticks(lowX, highX, 8, 1), ticks(0, highY, 6, 0)
	if last := yTicks[len(yTicks)-1]; last < highY { // one more, above all points
		yTicks = append(yTicks, last+yTicks[1])
		highY = last + yTicks[1]
	}
	atX := func(v float64) float64 { return x + (v-lowX)/(highX-lowX)*plotWidth }
	atY := func(v float64) float64 { return bottom - v/highY*plotHeight }

	to.text(x, top-34, 15, begin, ink, p.Title)
	to.text(x, top-12, 12, begin, soft, p.Y)
	for _, v := range yTicks {
		to.line(x, atY(v), x+plotWidth, atY(v), 1, grid)
		to.text(x-8, atY(v)+4, 12, end, soft, number(v))
	}
	for _, v := range xTicks {
		to.line(atX(v), bottom, atX(v), bottom+5, 1, soft)
		to.text(atX(v), bottom+20, 12, middle, soft, number(v))
	}
	to.line(x, bottom, x+plotWidth, bottom, 1, soft)
	to.text(x+plotWidth/2, bottom+40, 12, middle, soft, p.X)
	for i, s := range p.Series {
		c := colours[i%len(colours)]
		for j, at := range s.Points {
			if j > 0 {
				to.line(atX(s.Points[j-1].X), atY(s.Points[j-1].Y), atX(at.X), atY(at.Y), 2, c)
			}
			to.line(atX(at.X), atY(at.Low), atX(at.X), atY(at.High), 1.5, c)
			to.dot(atX(at.X), atY(at.Y), 3.5, c)
		}
		y := float64(bottom + below + i*legendLine)
		to.line(x, y, x+24, y, 2, c)
		to.dot(x+12, y, 3.5, c)
		to.text(x+32, y+4, 12, begin, ink, s.Name)
	}
}

// bounds returns what the axes reach over, with a little room beside the points.
// They are never empty.
func (p *Panel) bounds() (lowX, highX, highY float64) {
	lowX, highX = math.Inf(1), math.Inf(-1)
	for _, s := range p.Series {
		for _, at := range s.Points {
			lowX, highX, highY = min(lowX, at.X), max(highX, at.X), max(highY, at.Y, at.High)
		}
	}
	if lowX > highX { // no points
		lowX, highX = 0, 1
	}
	if highY <= 0 {
		highY = 1
	}
	room := max((highX-lowX)/25, 0.1)
	return lowX - room, highX + room, highY
}

// ticks returns the multiples from low to high of a step, which is 1, 2 or 5 times
// a power of ten, at least least, and so large that there are at most most+1.
func ticks(low, high float64, most int, least float64) []float64 {
	power := math.Pow(10, math.Floor(math.Log10((high-low)/float64(most))))
	step := 10 * power
	for _, m := range []float64{5, 2, 1} {
		if (high-low)/(m*power) <= float64(most) {
			step = m * power
		}
	}
	step = max(step, least)
	var list []float64
	for i := math.Ceil(low / step); i*step <= high+step*1e-6; i++ {
		list = append(list, i*step)
	}
	return list
}

func number(v float64) string { return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64) }
