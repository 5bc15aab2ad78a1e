package cli

import "strings"

// examples indents the text of a usage, and writes the name by which the plugin is called in place of %s.
func examples(text string) string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		line = strings.TrimSpace(line)
		if line != "" {
			line = "  " + strings.ReplaceAll(line, "%s", "kubectl argo rollouts")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
