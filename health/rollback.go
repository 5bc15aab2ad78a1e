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

// value is one of four, or a number or truth value that nobody asks for.
type value struct {
	kind   byte // one of " { [ 0 (null) and . (other)
	text   string
	list   []value
	fields map[string]value
}

// readRollback gives the sentence for people and the hash of the revision that is wanted.
func readRollback(text string) (message, hash string, ok bool) {
	d := &document{text: text}
	all := d.value(1)
	if d.skip(); d.at < len(d.text) || all.kind != '{' {
		d.broken = true
	}
	r := v1alpha1.Rollback{
		Wanted: d.revision(all.fields["wanted"]), Serving: d.revision(all.fields["serving"]),
		AnalysisRun: d.textOf(all.fields["analysisRun"]), Metric: d.textOf(all.fields["metric"]),
		Value: d.textOf(all.fields["value"]), Condition: d.textOf(all.fields["condition"]),
		Message: d.textOf(all.fields["message"]),
	}
	since := d.instant(d.textOf(all.fields["since"]))
	if d.broken {
		return "", "", false
	}
	return r.String() + since, r.Wanted.Hash, true
}

func (d *document) revision(v value) (r v1alpha1.RollbackRevision) {
	if !v.absent() && v.kind != '{' {
		d.broken = true
	}
	images := v.fields["images"]
	if !images.absent() && images.kind != '[' {
		d.broken = true
	}
	for _, image := range images.list {
		if image.kind != '"' {
			d.broken = true
		}
		r.Images = append(r.Images, image.text)
	}
	r.Hash, r.Revision = d.textOf(v.fields["hash"]), d.textOf(v.fields["revision"])
	return r
}

func (v value) absent() bool { return v.kind == 0 || v.kind == '0' }

func (d *document) textOf(v value) string {
	if !v.absent() && v.kind != '"' {
		d.broken = true
	}
	return v.text
}

// instant takes what the controller writes: whole seconds, UTC.
func (d *document) instant(text string) string {
	const form = "0000-00-00T00:00:00Z"
	if text == "" {
		return ""
	}
	d.broken = d.broken || len(text) != len(form)
	for i := 0; i < len(form) && !d.broken; i++ {
		digit := text[i] >= '0' && text[i] <= '9'
		d.broken = form[i] == '0' && !digit || form[i] != '0' && text[i] != form[i]
	}
	return "; since " + text
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

func (d *document) value(depth int) (v value) {
	if d.skip(); depth > 16 {
		d.broken = true
	}
	if d.broken {
		return v
	}
	switch v.kind = d.peek(); v.kind {
	case '"':
		v.text = d.string()
	case '{':
		v.fields = make(map[string]value, 8)
		d.each('}', func() {
			name := d.string()
			d.skip()
			d.expect(':')
			v.fields[name] = d.value(depth + 1)
		})
	case '[':
		d.each(']', func() { v.list = append(v.list, d.value(depth+1)) })
	default:
		v.kind = d.word()
	}
	return v
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
		return '0'
	case word == "true" || word == "false":
	case digits == "" || digits[0] < '0' || digits[0] > '9' || strings.Trim(digits, "0123456789.eE+-") != "":
		d.broken = true
	}
	return '.'
}

func (d *document) string() string {
	d.expect('"')
	start := d.at
	var b []byte
	for !d.broken {
		n := strings.IndexAny(d.text[min(d.at, len(d.text)):], `"\`)
		if n < 0 {
			d.broken = true
			break
		}
		d.at += n
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
