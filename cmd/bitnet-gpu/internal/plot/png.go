package plot

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// pixels is how many pixels of the PNG a unit has on a side.
const pixels = 2

// PNG returns the chart as a picture for everything else.
func (c *Chart) PNG() ([]byte, error) {
	width, height := c.size()
	r, err := newRaster(width*pixels, height*pixels)
	if err != nil {
		return nil, err
	}
	c.draw(r)
	var b bytes.Buffer
	err = png.Encode(&b, r.to)
	return b.Bytes(), err
}

type raster struct {
	to    *image.RGBA
	font  *opentype.Font
	faces map[float64]font.Face
}

func newRaster(width, height int) (*raster, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	r := &raster{to: image.NewRGBA(image.Rect(0, 0, width, height)), font: parsed, faces: map[float64]font.Face{}}
	draw.Draw(r.to, r.to.Bounds(), image.White, image.Point{}, draw.Src)
	return r, err
}

// fill fills a polygon, given in units.
func (r *raster) fill(c color.RGBA, corners ...[2]float64) {
	var box image.Rectangle
	for _, p := range corners {
		x, y := int(p[0]*pixels), int(p[1]*pixels)
		box = box.Union(image.Rect(x-1, y-1, x+2, y+2))
	}
	v := vector.NewRasterizer(box.Dx(), box.Dy())
	for i, p := range corners {
		x, y := float32(p[0]*pixels)-float32(box.Min.X), float32(p[1]*pixels)-float32(box.Min.Y)
		if i == 0 {
			v.MoveTo(x, y)
		} else {
			v.LineTo(x, y)
		}
	}
	v.ClosePath()
	v.Draw(r.to, box, image.NewUniform(c), image.Point{})
}

func (r *raster) line(x1, y1, x2, y2, width float64, c color.RGBA) {
	length := math.Hypot(x2-x1, y2-y1)
	if length == 0 {
		return
	}
	// Across the line, half its width.
	ax, ay := -(y2-y1)/length*width/2, (x2-x1)/length*width/2
	r.fill(c, [2]float64{x1 + ax, y1 + ay}, [2]float64{x2 + ax, y2 + ay}, [2]float64{x2 - ax, y2 - ay}, [2]float64{x1 - ax, y1 - ay})
}

func (r *raster) dot(x, y, radius float64, c color.RGBA) {
	var corners [][2]float64
	for i := range 32 {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / 32)
		corners = append(corners, [2]float64{x + radius*cos, y + radius*sin})
	}
	r.fill(c, corners...)
}

func (r *raster) text(x, y, size float64, at anchor, c color.RGBA, text string) {
	face := r.faces[size]
	if face == nil {
		var err error
		if face, err = opentype.NewFace(r.font, &opentype.FaceOptions{Size: size * pixels, DPI: 72, Hinting: font.HintingFull}); err != nil {
			panic("BUG: plot: " + err.Error())
		}
		r.faces[size] = face
	}
	d := font.Drawer{Dst: r.to, Src: image.NewUniform(c), Face: face}
	begin := fixed.Int26_6(x*pixels*64) - d.MeasureString(text)*fixed.Int26_6(at)/2
	d.Dot = fixed.Point26_6{X: begin, Y: fixed.Int26_6(y * pixels * 64)}
	d.DrawString(text)
}
