package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Paint says whether text may carry ANSI colours.
type Paint bool

// The colours in use, as codes of ANSI's "select graphic rendition" (spec 9.2).
const (
	plain      = 0
	red        = 31
	green      = 32
	yellow     = 33
	brightBlue = 94
)

// kind of an object in the tree: its picture and its name.
type kind struct{ glyph, name string }

var (
	kindRollout     = kind{"⟳", "Rollout"}
	kindRevision    = kind{"#", ""}
	kindReplicaSet  = kind{"⧉", "ReplicaSet"}
	kindPod         = kind{"□", "Pod"}
	kindJob         = kind{"⊞", "Job"}
	kindExperiment  = kind{"Σ", "Experiment"}
	kindAnalysisRun = kind{"α", "AnalysisRun"}
)

type look struct {
	glyph string
	code  int
}

// looks are the icons in a terminal.
var looks = map[Icon]look{
	IconWaiting:     {"◷", yellow},
	IconProgressing: {"◌", brightBlue},
	IconWarning:     {"⚠", red},
	IconUnknown:     {"?", yellow},
	IconOK:          {"✔", green},
	IconBad:         {"✖", red},
	IconPaused:      {"॥", plain},
	IconNeutral:     {"•", plain},
}

func (p Paint) do(code int, text string) string {
	if !p || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}

func (p Paint) state(icon Icon, word string) string {
	if word == "" {
		return ""
	}
	return p.do(looks[icon].code, looks[icon].glyph) + " " + word
}

// Text is the screen of get rollout (spec 9.3).
func (i RolloutInfo) Text(now time.Time, paint Paint) string {
	var b strings.Builder
	header(&b, "Name", i.ObjectMeta.Name)
	header(&b, "Namespace", i.ObjectMeta.Namespace)
	header(&b, "Status", paint.state(i.Icon, i.Status))
	if i.Message != "" {
		header(&b, "Message", i.Message)
	}
	header(&b, "Strategy", i.Strategy)
	if i.Strategy == "Canary" {
		header(&b, "  Step", i.Step)
		header(&b, "  SetWeight", i.SetWeight)
		header(&b, "  ActualWeight", i.ActualWeight)
	}
	images(&b, i.sets(), paint)
	b.WriteString("Replicas:\n")
	header(&b, "  Desired", i.Desired)
	header(&b, "  Current", i.Current)
	header(&b, "  Updated", i.Updated)
	header(&b, "  Ready", i.Ready)
	header(&b, "  Available", i.Available)
	b.WriteString("\n")
	table(&b, i.tree(now), paint)
	return b.String()
}

// Text is the screen of get experiment (spec 9.3).
func (e ExperimentInfo) Text(now time.Time, paint Paint) string {
	var b strings.Builder
	header(&b, "Name", e.ObjectMeta.Name)
	header(&b, "Namespace", e.ObjectMeta.Namespace)
	header(&b, "Status", paint.state(e.Icon, e.Status))
	if e.Message != "" {
		header(&b, "Message", e.Message)
	}
	images(&b, e.ReplicaSets, paint)
	b.WriteString("\n")
	table(&b, e.tree(now), paint)
	return b.String()
}

func header(b *strings.Builder, name string, value any) {
	fmt.Fprintf(b, "%-17s%v\n", name+":", value)
}

// sets are all ReplicaSets, those of experiments included.
func (i RolloutInfo) sets() []ReplicaSetInfo {
	sets := slices.Clone(i.ReplicaSets)
	for _, e := range i.Experiments {
		sets = append(sets, e.ReplicaSets...)
	}
	return sets
}

// images are those that run, each with the parts it has.
func images(b *strings.Builder, sets []ReplicaSetInfo, paint Paint) {
	parts := map[string][]tag{}
	for _, rs := range sets {
		if rs.Replicas == 0 {
			continue
		}
		tags := slices.DeleteFunc(rs.tags(), func(t tag) bool { return t.text == "ping" || t.text == "pong" })
		if rs.Template != "" {
			tags = append(tags, tag{kindExperiment.glyph + ":" + rs.Template, brightBlue})
		}
		for _, image := range rs.Images {
			parts[image] = append(parts[image], tags...)
		}
	}
	names := make([]string, 0, len(parts))
	for image := range parts {
		names = append(names, image)
	}
	slices.Sort(names)
	title := "Images:"
	for _, image := range names {
		fmt.Fprintf(b, "%-17s%s\n", title, image+brackets(parts[image], paint))
		title = ""
	}
}

func brackets(tags []tag, paint Paint) string {
	slices.SortFunc(tags, func(a, b tag) int { return cmp.Compare(a.text, b.text) })
	tags = slices.Compact(tags)
	if len(tags) == 0 {
		return ""
	}
	return " (" + joined(tags, ", ", paint) + ")"
}

func joined(tags []tag, separator string, paint Paint) string {
	var texts []string
	for _, t := range tags {
		texts = append(texts, paint.do(t.code, t.text))
	}
	return strings.Join(texts, separator)
}

// cell is a piece of the table: what is written, and how wide it looks.
type cell struct {
	text  string
	width int
}

func table(b *strings.Builder, root node, paint Paint) {
	var titles []cell
	for _, t := range []string{"NAME", "KIND", "STATUS", "AGE", "INFO"} {
		titles = append(titles, cell{paint.do(plain, t), len(t)})
	}
	align(b, append([][]cell{titles}, root.rows("", "", paint)...))
}

// rows are those of a node and of all below it. First is what stands before its own, rest before the others.
func (n node) rows(first, rest string, paint Paint) [][]cell {
	code := plain
	if n.running {
		code = brightBlue
	}
	name := n.kind.glyph + " " + n.name
	painted := first + paint.do(code, name)
	if code == plain {
		painted = paint.do(plain, first+name)
	}
	var status cell
	if n.status != "" {
		status = cell{paint.state(n.icon, n.status), utf8.RuneCountInString(looks[n.icon].glyph + " " + n.status)}
	}
	rows := [][]cell{{
		{painted, utf8.RuneCountInString(first + name)},
		{paint.do(plain, n.kind.name), len(n.kind.name)},
		status,
		{paint.do(plain, n.age), len(n.age)},
		{joined(n.info, ",", paint), 0},
	}}
	for i, child := range n.children {
		branch, trunk := "├──", "│  "
		if i == len(n.children)-1 {
			branch, trunk = "└──", "   "
		}
		rows = append(rows, child.rows(rest+branch, rest+trunk, paint)...)
	}
	return rows
}

// align writes columns side by side, judged by what is seen of them: a colour has no width. All but the last are two wider than their
// widest cell.
func align(b *strings.Builder, rows [][]cell) {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], c.width)
		}
	}
	for _, row := range rows {
		for i, c := range row {
			b.WriteString(c.text)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-c.width+2))
			}
		}
		b.WriteString("\n")
	}
}
