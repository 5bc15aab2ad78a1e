package health

import (
	"strings"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// The annotation of a rollback is read here by hand, twice as fast as by reflection and exactly as the Lua script reads it:
// a name is what it is, a value has its type or is null, a name that is not known may have any value. Whatever
// v1alpha1.Rollback.Annotation writes is read as v1alpha1.RollbackOf reads it.

// document is JSON under way. What cannot be read is remembered, and nothing is read after it.
type document struct {
	text   string
	at     int
	broken bool
}

// readRollback gives the sentence for people and the hash of the revision that is wanted.
func readRollback(text string) (message, hash string, ok bool) {
	d, r, since, wrong := &document{text: text}, v1alpha1.Rollback{}, "", uint(0)
	texts := [...]struct {
		name string
		to   *string
	}{{"analysisRun", &r.AnalysisRun}, {"metric", &r.Metric}, {"value", &r.Value}, {"condition", &r.Condition}, {"message", &r.Message}, {"since", &since}}
	if d.skip(); d.peek() != '{' {
		return "", "", false
	}
	d.object(func(name string) {
		switch name {
		case "wanted":
			wrong = mark(wrong, 0, d.revision(&r.Wanted))
			return
		case "serving":
			wrong = mark(wrong, 1, d.revision(&r.Serving))
			return
		}
		for i, field := range texts {
			if field.name == name {
				wrong = mark(wrong, i+2, d.textInto(2, field.to))
				return
			}
		}
		d.value(2)
	})
	d.skip()
	since, dated := instant(since)
	if d.broken || d.at < len(d.text) || wrong != 0 || !dated {
		return "", "", false
	}
	return r.String() + since, r.Wanted.Hash, true
}

// mark keeps which fields are of a wrong type. Of a name that is there twice the last one counts.
func mark(wrong uint, bit int, right bool) uint {
	if right {
		return wrong &^ (1 << bit)
	}
	return wrong | 1<<bit
}

func (d *document) revision(to *v1alpha1.RollbackRevision) (right bool) {
	*to = v1alpha1.RollbackRevision{}
	if d.skip(); d.peek() != '{' {
		return d.value(2) == null
	}
	wrong := uint(0)
	d.object(func(name string) {
		switch name {
		case "images":
			wrong = mark(wrong, 0, d.images(to))
		case "hash":
			wrong = mark(wrong, 1, d.textInto(3, &to.Hash))
		case "revision":
			wrong = mark(wrong, 2, d.textInto(3, &to.Revision))
		default:
			d.value(3)
		}
	})
	return wrong == 0
}

func (d *document) images(to *v1alpha1.RollbackRevision) (right bool) {
	to.Images = nil
	if d.skip(); d.peek() != '[' {
		return d.value(3) == null
	}
	right = true
	d.each(']', func() {
		image := ""
		if d.skip(); d.peek() != '"' {
			right = false
		}
		d.textInto(4, &image)
		to.Images = append(to.Images, image)
	})
	return right
}

// textInto reads a text, or null for none, and reports whether it was one.
func (d *document) textInto(depth int, to *string) bool {
	*to = ""
	if d.skip(); d.peek() != '"' {
		return d.value(depth) == null
	}
	*to = d.string()
	return true
}

// instant takes what the controller writes: whole seconds, UTC.
func instant(text string) (clause string, ok bool) {
	const form = "0000-00-00T00:00:00Z"
	if text == "" {
		return "", true
	}
	if len(text) != len(form) {
		return "", false
	}
	for i := range len(form) {
		digit := text[i] >= '0' && text[i] <= '9'
		if form[i] == '0' && !digit || form[i] != '0' && text[i] != form[i] {
			return "", false
		}
	}
	return "; since " + text, true
}

func (d *document) skip() {
	for d.at < len(d.text) && strings.IndexByte(" \t\r\n", d.text[d.at]) >= 0 {
		d.at++
	}
}

func (d *document) peek() byte {
	if d.at >= len(d.text) {
		return 0
	}
	return d.text[d.at]
}

// The kinds of values, by how they begin.
const (
	null  = 'n'
	other = '.'
)

// value passes over a value and gives its kind.
func (d *document) value(depth int) (kind byte) {
	if d.skip(); depth > 16 {
		d.broken = true
	}
	if d.broken {
		return other
	}
	switch kind = d.peek(); kind {
	case '"':
		d.string()
	case '{':
		d.object(func(string) { d.value(depth + 1) })
	case '[':
		d.each(']', func() { d.value(depth + 1) })
	default:
		return d.word()
	}
	return kind
}

// object goes through names and values; one reads the value.
func (d *document) object(one func(name string)) {
	d.each('}', func() {
		name := d.string()
		d.skip()
		d.expect(':')
		if d.skip(); !d.broken {
			one(name)
		}
	})
}

func (d *document) expect(c byte) {
	if d.peek() != c {
		d.broken = true
	}
	d.at++
}

func (d *document) each(last byte, one func()) {
	d.at++
	if d.skip(); d.peek() == last {
		d.at++
		return
	}
	for !d.broken {
		one()
		if d.skip(); d.peek() == last {
			d.at++
			return
		}
		d.expect(',')
		d.skip()
	}
}

// word reads null, a truth value, or what looks like a number.
func (d *document) word() byte {
	start := d.at
	for c := d.peek() | 0x20; d.at < len(d.text) && (c >= 'a' && c <= 'z' || strings.IndexByte("0123456789.+-", d.peek()) >= 0); c = d.peek() | 0x20 {
		d.at++
	}
	word := d.text[start:d.at]
	digits := strings.TrimPrefix(word, "-")
	switch {
	case word == "null":
		return null
	case word == "true" || word == "false":
	case digits == "" || digits[0] < '0' || digits[0] > '9' || strings.Trim(digits, "0123456789.eE+-") != "":
		d.broken = true
	}
	return other
}

func (d *document) string() string {
	d.expect('"')
	start := d.at
	var b []byte
	for !d.broken {
		for d.at < len(d.text) && d.text[d.at] != '"' && d.text[d.at] != '\\' {
			d.at++
		}
		if d.at >= len(d.text) {
			d.broken = true
			break
		}
		if d.text[d.at] == '"' {
			d.at++
			if b == nil {
				return d.text[start : d.at-1]
			}
			return string(append(b, d.text[start:d.at-1]...))
		}
		b = append(b, d.text[start:d.at]...)
		b = d.escape(b)
		start = d.at
	}
	return ""
}

const (
	escapes = `"\/bfnrt`
	escaped = "\"\\/\b\f\n\r\t"
)

func (d *document) escape(b []byte) []byte {
	if d.at+1 < len(d.text) {
		if i := strings.IndexByte(escapes, d.text[d.at+1]); i >= 0 {
			d.at += 2
			return append(b, escaped[i])
		}
	}
	high, ok := d.unit(d.at)
	if !ok {
		d.broken = true
		return b
	}
	d.at += 6
	if high < 0xd800 || high > 0xdfff {
		return appendRune(b, high)
	}
	if low, ok := d.unit(d.at); ok && high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff {
		d.at += 6
		return appendRune(b, 0x10000+(high-0xd800)<<10+low-0xdc00)
	}
	return appendRune(b, 0xfffd)
}

func appendRune(b []byte, r rune) []byte { return append(b, string(r)...) }

// unit reads \uXXXX at a place.
func (d *document) unit(at int) (n rune, ok bool) {
	if at+6 > len(d.text) || d.text[at:at+2] != `\u` {
		return 0, false
	}
	for _, c := range []byte(d.text[at+2 : at+6]) {
		i := strings.IndexByte("0123456789abcdef", c|0x20)
		if i < 0 || c < '0' {
			return 0, false
		}
		n = n<<4 | rune(i)
	}
	return n, true
}
