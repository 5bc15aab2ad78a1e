package main

import (
	"fmt"
	"strings"

	"github.com/sluice-delivery/sluice/test/traces/recording"
)

// list shows each case with the state of its recording.
func list(s settings) error {
	_, cases, err := s.selected()
	if err != nil {
		return err
	}
	for _, c := range cases {
		state := "not recorded"
		if r, err := recording.Load(s.file(c.Name)); err == nil {
			total := r.Total()
			state = fmt.Sprintf("%d runs, %d facts, %d unstable", r.Runs, total.Facts, total.Unstable)
		}
		if len(c.Needs) > 0 {
			state += ", needs " + strings.Join(c.Needs, " ")
		}
		fmt.Printf("%s  (%s)\n    %s\n", c.Name, state, c.About)
	}
	return nil
}
