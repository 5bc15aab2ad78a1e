//go:build argocd

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/test/argocd/witness"
)

// TestArgoCD tells the story in its order: each point needs the state that the one before it leaves.
func TestArgoCD(t *testing.T) {
	o := witness.FromEnvironment()
	o.Print = func(line string) { t.Log(line) }
	w, err := witness.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	ctx := t.Context() // of the whole: what a point starts goes on after it
	for _, p := range witness.Points() {
		told := t.Run(p.Title, func(t *testing.T) {
			if err := p.Tell(w, ctx); err != nil {
				t.Fatal(err)
			}
		})
		if !told {
			t.FailNow()
		}
	}
	t.Log("\n" + strings.Join(w.Figures, "\n") + "\n" + w.Table())
	if err := w.WritePages(os.Getenv("WITNESS_PAGES")); err != nil {
		t.Fatal(err)
	}
}
