//go:build e2e

// Package e2e tells the demo's story as tests, and single cases that need the whole: a cluster, a proxy that carries
// requests, Prometheus, Git, controller and agent under the rights of their manifests.
//
// make e2e runs it beside simulated nodes, or on a real one. Against another cluster KUBECONFIG names it; see docs/e2e-kind.md.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/test/demo/story"
)

var world *story.Story

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return 1, err
	}
	options := story.Surroundings()
	options.Root = root
	if options.Work, err = os.MkdirTemp("", "e2e"); err != nil {
		return 1, err
	}
	ctx := context.Background()
	if world, err = story.New(ctx, options, story.NewScreen(os.Stdout)); err != nil {
		return 1, err
	}
	defer world.Close()
	for _, p := range story.Points()[:3] { // what all tests stand on
		if err := world.Tell(ctx, p); err != nil {
			return 1, fmt.Errorf("%w; logs in %s/log", err, options.Work)
		}
	}
	code := m.Run()
	fmt.Print(world.Table())
	if code != 0 {
		fmt.Println("logs:", filepath.Join(options.Work, "log"))
		return code, nil
	}
	world.Close()
	return 0, os.RemoveAll(options.Work)
}

// TestStory tells points 4 to 9. Each stands on the one before.
func TestStory(t *testing.T) {
	for _, p := range story.Points()[3:] {
		name := strings.ReplaceAll(p.Title, " ", "-")
		if !t.Run(name, func(t *testing.T) {
			if err := world.Tell(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}) {
			t.FailNow()
		}
	}
}

// TestShares sends 2,000 requests at each of three weights, and 20,000 across a promotion and a rollback.
func TestShares(t *testing.T) {
	if err := world.Shares(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestBadInput shows the message of each, and that nothing was changed, stopped or lost.
func TestBadInput(t *testing.T) {
	for name, test := range story.BadInputs() {
		t.Run(name, func(t *testing.T) {
			if err := test(world, t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
