package cli

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/notifications/deliver"
)

const (
	configFile  = "../../testdata/notifications/document.yaml"
	rolloutFile = "../../testdata/notifications/rollout.yaml"
)

func TestNotificationsOffline(t *testing.T) {
	for name, tc := range map[string]struct {
		args        string
		code        int
		out, errOut string
	}{
		"templates": {"template get", 0, "NAME               PREVIEW\nrollout-completed  Rollout {{.rollout.metadata.name}} completed successfully\n", ""},
		"one template as YAML": {"template get rollout-completed -o yaml", 0,
			"rollout-completed:\n  message: Rollout {{.rollout.metadata.name}} completed successfully\n", ""},
		"names of triggers": {"trigger get -o name", 0, "on-rollout-completed\n", ""},
		"triggers": {"trigger get", 0, "NAME                  TEMPLATE           CONDITION\n" +
			"on-rollout-completed  rollout-completed  rollout.status.phase == 'Healthy'\n", ""},
		"a template that does not exist": {"template get x", 1, "", "Error: there is no template \"x\"\n"},
		"an output that does not exist":  {"trigger get -o x", 1, "", "Error: output format \"x\" is not one of"},
		"what a template says": {"template notify rollout-completed " + rolloutFile, 0,
			"message: Rollout payments-api completed successfully\n", ""},
		"a service that is not configured": {"template notify rollout-completed " + rolloutFile + " --recipient mail:x", 1, "",
			"Error: notify mail:x: service \"mail\" is not configured: not tried again\n"},
		"a trigger that fires": {"trigger run on-rollout-completed " + rolloutFile, 0,
			"CONDITION                          RESULT\nrollout.status.phase == 'Healthy'  true\n", ""},
		"a trigger that does not exist": {"trigger run x " + rolloutFile, 1, "", "Error: there is no trigger \"x\" among on-rollout-completed\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			code := w.run(append([]string{"notifications", "--config-map", configFile, "--secret", configFile}, strings.Fields(tc.args)...)...)
			if code != tc.code || w.out.String() != tc.out || !strings.HasPrefix(w.errOut.String(), tc.errOut) || tc.errOut == "" && w.errOut.Len() > 0 {
				t.Errorf("code %d, said %q and %q", code, w.out.String(), w.errOut.String())
			}
		})
	}
}

func TestNotificationsOfTheCluster(t *testing.T) {
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "production", Name: name}
	}
	w := newWorld(rollout("payments-api", in(v1alpha1.RolloutPhaseProgressing, "")),
		&corev1.ConfigMap{ObjectMeta: meta(deliver.ConfigMapName), Data: map[string]string{
			"trigger.t": "- when: rollout.status.phase == 'Healthy'\n  send: [a]\n- send: [a]", "service.slack": "token: $t", "template.bad": "message: '{{'"}},
		&corev1.Secret{ObjectMeta: meta(deliver.SecretName), Data: map[string][]byte{"t": []byte("x")}})
	code := w.run("notifications", "trigger", "run", "t", "payments-api")
	if want := "CONDITION                          RESULT\nrollout.status.phase == 'Healthy'  false\n(at every event)                   true\n"; code != 0 || w.out.String() != want ||
		!strings.HasPrefix(w.errOut.String(), "warning: template.bad: ") {
		t.Errorf("code %d, said %q and %q", code, w.out.String(), w.errOut.String())
	}
}
