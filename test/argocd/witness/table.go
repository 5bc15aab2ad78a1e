package witness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// rows are the points of the table.
var rows = []struct {
	point int
	title string
}{
	{1, "A merge starts the canary, its steps run"},
	{2, "The analysis fails"},
	{3, "selfHeal stays on"},
	{4, "Controllers and repo-server restart, ours is upgraded"},
	{5, "`git revert`; a new image"},
	{6, "Actions in the resource menu"},
	{7, "Sync pressed, a commit elsewhere, a parameter"},
	{8, "Blue-green: the analysis after the switch fails"},
}

// Table is *stock | with Sluice*, in Markdown, from what was observed. What was not is empty.
func (w *Witness) Table() string {
	var b strings.Builder
	b.WriteString("| | stock | with Sluice |\n|---|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %d. %s | %s | %s |\n", row.point, row.title, w.Cells[row.point][stockSetup], w.Cells[row.point][withSluice])
	}
	return b.String()
}

// document keeps what Argo CD's own command line says of an Application in a state.
func (w *Witness) document(ctx context.Context, s *subject, state string) error {
	if s != w.main {
		return nil
	}
	if err := s.agree(ctx); err != nil {
		return err
	}
	for _, format := range [][]string{nil, {"--output", "tree"}} {
		command := exec.CommandContext(ctx, filepath.Join(w.Argo, "argocd"), append([]string{"app", "get", s.name}, format...)...)
		command.Env = append(os.Environ(), "ARGOCD_BINARY_NAME=argocd", "ARGOCD_SERVER="+s.address(0), "ARGOCD_AUTH_TOKEN="+s.token,
			"ARGOCD_OPTS=--plaintext", "HOME="+filepath.Join(s.data, "home"))
		var complaint bytes.Buffer
		command.Stderr = &complaint
		output, err := command.Output()
		if err != nil {
			return fmt.Errorf("argocd app get: %w: %s", err, complaint.String())
		}
		w.shown = append(w.shown, fmt.Sprintf("### %s\n\n    $ argocd %s\n%s", state, strings.Join(append([]string{"app", "get", s.name}, format...), " "), indent(string(output))))
	}
	return nil
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n ")) {
		b.WriteString("    " + strings.TrimRight(line, "\n ") + "\n")
	}
	return b.String()
}

// States is what was shown in each state, in Markdown.
func (w *Witness) States() string { return strings.Join(w.shown, "\n") }

// WritePages puts table, figures and states into pages of the repository, their names separated by commas, between the
// marks <!-- name --> and <!-- /name -->.
func (w *Witness) WritePages(pages string) error {
	content := map[string]string{"states": w.States(), "table": w.Table(), "figures": "- " + strings.Join(w.Figures, "\n- ") + "\n"}
	for _, page := range strings.FieldsFunc(pages, func(r rune) bool { return r == ',' }) {
		file := filepath.Join(w.Root, page)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		out := string(text)
		for name, what := range content {
			before, rest, found := strings.Cut(out, "<!-- "+name+" -->\n")
			_, after, closed := strings.Cut(rest, "<!-- /"+name+" -->")
			if found && closed {
				out = before + "<!-- " + name + " -->\n" + what + "<!-- /" + name + " -->" + after
			}
		}
		if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
			return err
		}
	}
	return nil
}
