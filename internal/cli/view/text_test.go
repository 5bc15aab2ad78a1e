package view_test

import (
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/internal/cli/view"
)

var colour = regexp.MustCompile("\x1b\\[[0-9]+m")

func uid(name string) types.UID { return types.UID("uid of " + name) }

func schemaUID(o metav1.Object) types.UID { return uid(o.GetName()) }

func TestColours(t *testing.T) {
	painted := func(file string) string {
		f := read(t, "../../../testdata/cli/view/"+file)
		return view.Rollout(f.rollout, f.Objects).Text(now, true)
	}
	canary, blueGreen := painted("canary-routed-paused.yaml"), painted("bluegreen-failed-analysis.yaml")
	for name, tc := range map[string]struct{ screen, want string }{
		"paused has no colour":           {canary, "Status:          \x1b[0m॥\x1b[0m Paused\n"},
		"ok is green":                    {canary, "\x1b[32m✔\x1b[0m Healthy"},
		"stable is green":                {canary, "\x1b[32mstable\x1b[0m\n"},
		"canary is yellow":               {canary, "(\x1b[33mcanary\x1b[0m)"},
		"a run that goes on stands out":  {canary, "\x1b[94mα payments-api-77c8d4b89-3\x1b[0m"},
		"a cell without colour is plain": {canary, "\x1b[0mReplicaSet\x1b[0m"},
		"bad is red":                     {blueGreen, "\x1b[31m✖\x1b[0m Degraded"},
		"preview is bright blue":         {blueGreen, "\x1b[94mpreview\x1b[0m"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(tc.screen, tc.want) {
				t.Errorf("no %q in\n%q", tc.want, tc.screen)
			}
		})
	}
}

func TestColumnsStandTwoApart(t *testing.T) {
	f := read(t, "../../../testdata/cli/view/canary-routed-paused.yaml")
	_, table, _ := strings.Cut(view.Rollout(f.rollout, f.Objects).Text(now, false), "\n\n")
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	kinds := strings.Index(lines[0], "KIND")
	longest := 0
	for _, line := range lines[1:] {
		runes := []rune(line)
		name := strings.TrimRight(string(runes[:kinds]), " ")
		longest = max(longest, len([]rune(name)))
		if len(runes) < len([]rune(lines[0]))-len("INFO") {
			t.Errorf("the columns of %q are not filled", line)
		}
	}
	if longest+2 != kinds {
		t.Errorf("the names take %d, and the next column begins at %d", longest, kinds)
	}
}
