package analysis

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func TestName(t *testing.T) {
	wanted := given[v1alpha1.AnalysisRunSpec](t, `metrics: [{name: a, count: 2, interval: 1s, provider: {web: {url: "http://x", jsonBody: {b: 1, a: 2}}}}]`)
	run := func(name, owner, phase string, spec v1alpha1.AnalysisRunSpec) *v1alpha1.AnalysisRun {
		return &v1alpha1.AnalysisRun{
			ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{{UID: types.UID(owner), Controller: new(true)}}},
			Spec:       spec, Status: v1alpha1.AnalysisRunStatus{Phase: v1alpha1.AnalysisPhase(phase)}}
	}
	other, ended := wanted.DeepCopy(), wanted.DeepCopy()
	other.Metrics[0].Name = "b"
	ended.Terminate = true
	reordered := given[v1alpha1.AnalysisRunSpec](t, `metrics: [{name: a, count: 2, interval: 1s, provider: {web: {url: "http://x", jsonBody: {a: 2, b: 1}}}}]`)
	for name, c := range map[string]struct {
		existing []*v1alpha1.AnalysisRun
		taken    []string
		want     string
		reuse    bool
	}{
		"a free name":                          {nil, nil, "demo-1", false},
		"taken by somebody else":               {nil, []string{"demo-1"}, "demo-1.1", false},
		"taken several times":                  {nil, []string{"demo-1", "demo-1.1"}, "demo-1.2", false},
		"the same run, still going":            {[]*v1alpha1.AnalysisRun{run("demo-1", "me", "Running", wanted)}, nil, "demo-1", true},
		"the same, not yet begun":              {[]*v1alpha1.AnalysisRun{run("demo-1", "me", "", wanted)}, nil, "demo-1", true},
		"the same as the API server stores it": {[]*v1alpha1.AnalysisRun{run("demo-1", "me", "", reordered)}, nil, "demo-1", true},
		"the same, completed":                  {[]*v1alpha1.AnalysisRun{run("demo-1", "me", "Failed", wanted)}, nil, "demo-1.1", false},
		"the same, being ended":                {[]*v1alpha1.AnalysisRun{run("demo-1", "me", "Running", *ended)}, nil, "demo-1.1", false},
		"another spec":                         {[]*v1alpha1.AnalysisRun{run("demo-1", "me", "Running", *other)}, nil, "demo-1.1", false},
		"another owner":                        {[]*v1alpha1.AnalysisRun{run("demo-1", "you", "Running", wanted)}, nil, "demo-1.1", false},
		"the second one is the same": {[]*v1alpha1.AnalysisRun{run("demo-1", "me", "Failed", wanted), run("demo-1.1", "me", "Running", wanted)}, nil,
			"demo-1.1", true},
	} {
		t.Run(name, func(t *testing.T) {
			taken := map[string]bool{}
			for _, n := range c.taken {
				taken[n] = true
			}
			got, reuse := Name("demo-1", wanted, "me", c.existing, taken)
			if got != c.want || (reuse != nil) != c.reuse || reuse != nil && reuse.Name != got {
				t.Errorf("got %s, %v; want %s, %v", got, reuse, c.want, c.reuse)
			}
		})
	}
}
