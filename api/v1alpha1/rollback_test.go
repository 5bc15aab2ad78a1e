package v1alpha1

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRollbackSpeaksInOneSentence(t *testing.T) {
	since := metav1.NewTime(time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC))
	wanted := RollbackRevision{Images: []string{"payments-api:1.4.4"}, Hash: "6cf5", Revision: "3"}
	serving := RollbackRevision{Images: []string{"payments-api:1.4.3"}, Hash: "77c8", Revision: "2"}
	cases := map[string]struct {
		in   Rollback
		want string
	}{
		"a measurement decided": {
			Rollback{Wanted: wanted, Serving: serving, AnalysisRun: "payments-api-6cf5-3-7", Metric: "success-rate", Value: "[0.8]", Condition: "result[0] >= 0.99", Message: "RolloutAborted: …", Since: since},
			"rolled back: payments-api:1.4.4 (6cf5, revision 3) is wanted, payments-api:1.4.3 (77c8, revision 2) serves; " +
				"AnalysisRun payments-api-6cf5-3-7: metric success-rate measured [0.8], condition result[0] >= 0.99; since 2026-11-20T09:30:00Z",
		},
		"a person decided": {
			Rollback{Wanted: wanted, Serving: serving, Message: "RolloutAborted: Rollout aborted update to revision 3", Since: since},
			"rolled back: payments-api:1.4.4 (6cf5, revision 3) is wanted, payments-api:1.4.3 (77c8, revision 2) serves; " +
				"RolloutAborted: Rollout aborted update to revision 3; since 2026-11-20T09:30:00Z",
		},
		"only the hashes are known": {
			Rollback{Wanted: RollbackRevision{Hash: "6cf5"}, Serving: RollbackRevision{Hash: "77c8"}},
			"rolled back: 6cf5 is wanted, 77c8 serves",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.in.String(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			back, err := RollbackOf(map[string]string{RollbackAnnotation: c.in.Annotation()})
			if err != nil || back.Annotation() != c.in.Annotation() {
				t.Errorf("the annotation reads back as %v, %v", back, err)
			}
		})
	}
}

func TestRollbackOfWithoutAndWithABrokenAnnotation(t *testing.T) {
	if r, err := RollbackOf(nil); r != nil || err != nil {
		t.Errorf("without the annotation: %v, %v", r, err)
	}
	if _, err := RollbackOf(map[string]string{RollbackAnnotation: "{"}); err == nil {
		t.Error("a broken annotation gives no error")
	}
}
