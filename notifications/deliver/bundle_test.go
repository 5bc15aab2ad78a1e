package deliver_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/notifications"
	"github.com/sluice-delivery/sluice/notifications/deliver"
)

func TestTheBundledTriggersAndTemplatesReachSlack(t *testing.T) {
	text, err := os.ReadFile("../../manifests/notifications-install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := &corev1.ConfigMap{}
	first, _, _ := strings.Cut(string(text), "\n---\n")
	if err := yaml.UnmarshalStrict([]byte(first), config); err != nil {
		t.Fatal(err)
	}
	s := newSlack(t)
	config.Data["service.slack"] = "token: " + token + "\napiURL: " + s.URL + "/\n"
	d, problems := deliver.Open(config, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	variables := rollout("Degraded")
	variables["rollout"] = map[string]any{
		"metadata": map[string]any{"name": "payments-api", "namespace": "production"},
		"spec": map[string]any{"strategy": map[string]any{"canary": map[string]any{}}, "template": map[string]any{"spec": map[string]any{
			"containers": []any{map[string]any{"name": "app", "image": `a"b`}, map[string]any{"name": "side", "image": "c:1"}}}}},
		"status": map[string]any{"message": `RolloutAborted: metric "x" failed`, "currentStepIndex": int64(2)},
	}
	for trigger, colour := range map[string]string{ // spec 11.7
		"on-analysis-run-error": "", "on-analysis-run-failed": "", "on-analysis-run-running": "", "on-rollout-aborted": "#e8384f", "on-rollout-completed": "#18be52",
		"on-rollout-paused": "", "on-rollout-step-completed": "", "on-rollout-updated": "", "on-scaling-replica-set": "",
	} {
		entries, err := d.Evaluate(trigger, variables)
		if err != nil || len(entries) != 1 || entries[0].Conditional {
			t.Errorf("%s has %v, %v", trigger, entries, err)
			continue
		}
		if err := d.Send(variables, entries[0].Templates, notifications.Destination{Service: "slack", Recipient: trigger}); err != nil {
			t.Errorf("%s: %v", trigger, err)
			continue
		}
		last := s.got()[len(s.got())-1]
		var attachments []struct {
			Title, Color string
			Fields       []struct{ Title, Value string }
		}
		if err := json.Unmarshal([]byte(last["attachments"]), &attachments); err != nil || len(attachments) != 1 {
			t.Errorf("%s: attachments are %s", trigger, last["attachments"])
			continue
		}
		a := attachments[0]
		if a.Title != "payments-api" || len(a.Fields) != 4 || a.Fields[1].Value != "Canary" || a.Fields[2].Value != `a"b` || a.Color == "" || colour != "" && a.Color != colour {
			t.Errorf("%s: attachment is %v", trigger, a)
		}
		if trigger == "on-rollout-aborted" && last["text"] != `Rollout payments-api was aborted: RolloutAborted: metric "x" failed` {
			t.Errorf("text is %s", last["text"])
		}
	}
	if got := len(d.Triggers()); got != 9 {
		t.Errorf("there are %d triggers, want 9", got)
	}
}
