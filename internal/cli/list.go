package cli

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

func newList(env *Environment) *cobra.Command {
	return group("list", "List rollouts or experiments", newListRollouts(env), newListExperiments(env))
}

// columns align rows, two apart. Widths only grow, so that rows which come later stand below those before.
type columns []int

func (c *columns) fit(row []string) {
	for i, text := range row {
		if i == len(*c) {
			*c = append(*c, 0)
		}
		(*c)[i] = max((*c)[i], utf8.RuneCountInString(text))
	}
}

func (c *columns) line(row []string) string {
	c.fit(row)
	var b strings.Builder
	for i, text := range row {
		b.WriteString(text)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", (*c)[i]-utf8.RuneCountInString(text)+2))
		}
	}
	return b.String()
}
