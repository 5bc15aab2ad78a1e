package story

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// Picture draws lines of a terminal as an SVG image: one text element per line, in one colour per kind of line. What
// the demo changes in the tutorial's manifests is left out.
func Picture(lines []string) []byte {
	const columns, height = 120, 18
	var wrapped []string
	for line := range strings.SplitSeq(strings.Join(lines, "\n"), "\n") {
		if strings.HasPrefix(line, "      changed") || strings.HasPrefix(line, "        ") {
			continue
		}
		for r := []rune(line); ; {
			if len(r) <= columns {
				wrapped = append(wrapped, string(r))
				break
			}
			wrapped = append(wrapped, string(r[:columns]))
			r = append([]rune("      "), r[columns:]...)
		}
	}
	for len(wrapped) > 0 && wrapped[0] == "" {
		wrapped = wrapped[1:]
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">`+"\n",
		columns*8+32, len(wrapped)*height+32)
	b.WriteString(`<rect width="100%" height="100%" rx="8" fill="#0d1117"/>` + "\n")
	for i, line := range wrapped {
		if strings.TrimSpace(line) == "" {
			continue
		}
		fmt.Fprintf(&b, `<text x="16" y="%d" fill="%s" xml:space="preserve">`, 16+(i+1)*height-5, colour(line))
		_ = xml.EscapeText(&b, []byte(line)) // a buffer takes everything
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func colour(line string) string {
	text := strings.TrimLeft(line, " ")
	switch {
	case strings.HasPrefix(text, "✔"):
		return "#7ee787"
	case strings.HasPrefix(text, "✘"):
		return "#ff7b72"
	case len(line)-len(text) <= 1:
		return "#ffffff"
	default:
		return "#9198a1"
	}
}
