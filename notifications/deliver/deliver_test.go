package deliver_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	engine "github.com/argoproj/notifications-engine/pkg/controller"
	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/argoproj/notifications-engine/pkg/triggers"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/notifications"
	"github.com/sluice-delivery/sluice/notifications/deliver"
)

func open(t *testing.T, secret map[string]string, config map[string]string) *deliver.Door {
	t.Helper()
	d, problems := deliver.Open(given(secret, config))
	if len(problems) > 0 || d == nil {
		t.Fatal("the configuration has problems: ", problems)
	}
	return d
}

func given(secret, config map[string]string) (*corev1.ConfigMap, *corev1.Secret) {
	c, s := &corev1.ConfigMap{Data: config}, &corev1.Secret{Data: map[string][]byte{}}
	c.Namespace = "argo-rollouts"
	for k, v := range secret {
		s.Data[k] = []byte(v)
	}
	return c, s
}

func rollout(phase string) map[string]any {
	return notifications.Variables(map[string]any{
		"metadata": map[string]any{"name": "payments-api"},
		"status":   map[string]any{"phase": phase, "currentStepIndex": int64(2)},
	}, []map[string]any{{"metadata": map[string]any{"name": "run-1"}}}, func() time.Time { return time.Unix(0, 0).UTC() })
}

func slackTo(channel string) notifications.Destination {
	return notifications.Destination{Service: "slack", Recipient: channel}
}

func TestTheDocumentsConfigurationReachesSlack(t *testing.T) {
	text, err := os.ReadFile("../../testdata/notifications/document.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config corev1.ConfigMap
	var secret corev1.Secret
	first, second, _ := strings.Cut(string(text), "\n---\n")
	if err := errors.Join(yaml.UnmarshalStrict([]byte(first), &config), yaml.UnmarshalStrict([]byte(second), &secret)); err != nil {
		t.Fatal(err)
	}
	s := newSlack(t)
	config.Data["service.slack"] += "apiURL: " + s.URL + "/\n"
	d := open(t, map[string]string{"slack-token": token}, config.Data)
	for phase, want := range map[string]bool{"Progressing": false, "Healthy": true} {
		entries, err := d.Evaluate("on-rollout-completed", rollout(phase))
		if err != nil || len(entries) != 1 || !entries[0].Conditional || entries[0].True != want {
			t.Errorf("while %s: %v, %v", phase, entries, err)
		}
	}
	if err := d.Send(rollout("Healthy"), []string{"rollout-completed"}, slackTo("deployments")); err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{{"channel": "deployments", "text": "Rollout payments-api completed successfully", "attachments": "", "username": ""}}
	if got := s.got(); !reflect.DeepEqual(got, want) {
		t.Errorf("Slack got %v", got)
	}
}

const hello = "message: hello from {{.rollout.metadata.name}}"

func TestSlackRefuses(t *testing.T) {
	s := newSlack(t)
	cases := map[string]struct{ token, channel, says string }{
		"a wrong token":                   {"xoxb-another-secret", "c", "invalid_auth"},
		"a channel that does not exist":   {token, "nowhere", "channel_not_found"},
		"an error that shows the token":   {token, "c", "no ***"},
		"an error that shows it in a URL": {token, "c", "no ***"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s.refuse = "no " + token
			if strings.HasSuffix(name, "URL") {
				s.refuse = "no xoxb-very%2Bsecret%2Ftoken"
			}
			d := open(t, map[string]string{"t": c.token}, map[string]string{"service.slack": "token: $t\napiURL: " + s.URL + "/", "template.a": hello})
			err := d.Send(rollout(""), []string{"a"}, slackTo(c.channel))
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), c.token) || errors.Is(err, deliver.ErrHopeless) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if got := s.got(); len(got) > 0 {
		t.Errorf("Slack got %v", got)
	}
}

func TestASlackThatIsNotThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	d := open(t, map[string]string{"path": "hidden-path"}, map[string]string{"service.slack": "token: inline-token\napiURL: " + s.URL + "/$path/", "template.a": hello})
	err := d.Send(rollout(""), []string{"a"}, slackTo("c"))
	if err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "hidden-path") || strings.Contains(err.Error(), "inline-token") {
		t.Errorf("error is %v", err)
	}
}

func TestWebhook(t *testing.T) {
	type call struct{ method, path, body, header, user string }
	var calls []call
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		calls = append(calls, call{r.Method, r.URL.Path, string(body), r.Header.Get("X-Token"), user + ":" + password})
		w.WriteHeader(status)
		fmt.Fprint(w, "you sent ", r.Header.Get("X-Token"), " ", password)
	}))
	t.Cleanup(s.Close)
	d := open(t, map[string]string{"token": "s3cr3t", "password": "p4ssw0rd", "path": "T0/B1"}, map[string]string{
		"service.webhook.hook": `
url: ` + s.URL + `/$path
headers: [{name: X-Token, value: $token}]
basicAuth: {username: bot, password: $password}`,
		"template.full": `
message: unused
webhook:
  hook:
    method: POST
    path: /v1/{{.rollout.metadata.name}}
    body: '{"runs": {{len .analysisRuns}}, "to": "{{.recipient}}", "by": "{{.serviceType}}"}'`,
		"template.plain": hello,
	})
	hook := notifications.Destination{Service: "hook", Recipient: "ops"}
	for _, name := range []string{"full", "plain"} {
		if err := d.Send(rollout(""), []string{name}, hook); err != nil {
			t.Error(name, err)
		}
	}
	want := []call{
		{"POST", "/T0/B1/v1/payments-api", `{"runs": 1, "to": "ops", "by": "hook"}`, "s3cr3t", "bot:p4ssw0rd"},
		{"GET", "/T0/B1", "hello from payments-api", "s3cr3t", "bot:p4ssw0rd"}}
	if !reflect.DeepEqual(calls, want) {
		t.Errorf("calls are %v", calls)
	}
	status = http.StatusInternalServerError
	err := d.Send(rollout(""), []string{"plain"}, hook)
	if err == nil || !strings.HasPrefix(err.Error(), "GET "+s.URL+"/***: 500 Internal Server Error: you sent *** ***") || len(calls) != 3 {
		t.Errorf("error is %v after %d calls", err, len(calls))
	}
}

func TestMail(t *testing.T) {
	m := newMailer(t, "open sesame")
	config := func(password string) map[string]string {
		return map[string]string{
			"service.email": fmt.Sprintf("host: %s\nport: %d\nfrom: sluice@example.com\nusername: bot\npassword: $%s", m.host, m.port, password),
			"template.a":    "message: plain\nemail:\n  subject: Rollout {{.rollout.metadata.name}} was aborted\n  body: It is {{.rollout.status.phase}}."}
	}
	secret := map[string]string{"right": "open sesame", "wrong": "open barley"}
	mail := notifications.Destination{Service: "email", Recipient: "ops@example.com, dev@example.com"}
	if err := open(t, secret, config("right")).Send(rollout("Degraded"), []string{"a"}, mail); err != nil {
		t.Fatal(err)
	}
	if len(m.mails) != 1 {
		t.Fatalf("%d mails arrived", len(m.mails))
	}
	for _, part := range []string{"MAIL FROM:<sluice@example.com>", "RCPT TO:<ops@example.com>", "RCPT TO:<dev@example.com>",
		"Subject: Rollout payments-api was aborted", "It is Degraded."} {
		if !strings.Contains(m.mails[0], part) {
			t.Errorf("no %q in\n%s", part, m.mails[0])
		}
	}
	err := open(t, secret, config("wrong")).Send(rollout("Degraded"), []string{"a"}, mail)
	if err == nil || !strings.Contains(err.Error(), "535") || strings.Contains(err.Error(), "barley") || strings.Contains(err.Error(), "AGJvdAB") {
		t.Errorf("error is %v", err)
	}
}

func TestWhatCannotBeRepeated(t *testing.T) {
	d := open(t, nil, map[string]string{"service.slack": "token: abcdef", "template.bad": "message: '{{.rollout.metadata.name.x}}'"})
	for name, c := range map[string]struct {
		template string
		to       notifications.Destination
		says     string
	}{
		"a service that is not configured":  {"bad", notifications.Destination{Service: "mail", Recipient: "x"}, `service "mail" is not configured`},
		"a template that is not configured": {"none", slackTo("c"), "template 'none' is not supported"},
		"a template that fails":             {"bad", slackTo("c"), "can't evaluate field x"},
	} {
		t.Run(name, func(t *testing.T) {
			err := d.Send(rollout(""), []string{c.template}, c.to)
			if !errors.Is(err, deliver.ErrHopeless) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestABrokenKeyLeavesTheOthersAlone(t *testing.T) {
	s := newSlack(t)
	config, secret := given(map[string]string{"t": token}, map[string]string{
		"service.slack":          "token: $t\napiURL: " + s.URL + "/",
		"service.mail.x.y":       "a: b",
		"service.pigeon":         "a: b",
		"service.webhook.broken": "url: [",
		"service.email":          "port: " + token,
		"service.teams":          "recipientUrls: {a: $absent}",
		"template.good":          hello,
		"template.bad":           "message: '{{'",
		"trigger.good":           "- send: [good]",
		"trigger.bad":            "- when: rollout.status.phase =\n  send: [good]",
		"trigger.text":           "nothing",
		"subscriptions":          "- selector: '('",
		"defaultTriggers":        "[good]",
		"README":                 "a key of nobody",
	})
	d, problems := deliver.Open(config, secret)
	var keys []string
	for _, p := range problems {
		key, _, _ := strings.Cut(p.Error(), ":")
		keys = append(keys, key)
		if strings.Contains(p.Error(), token) {
			t.Errorf("a secret is in %v", p)
		}
	}
	want := "service.email service.mail.x.y service.pigeon service.teams service.webhook.broken subscriptions template.bad trigger.bad trigger.text"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("problems are those of %s, want %s\n%v", got, want, problems)
	}
	if err := d.Send(rollout(""), []string{"good"}, slackTo("c")); err != nil || len(s.got()) != 1 {
		t.Errorf("the good ones do not work: %v", err)
	}
	if got := fmt.Sprint(d.Triggers(), d.Services(), d.Settings().DefaultTriggers); got != "[good] [slack teams] [good]" {
		t.Errorf("what is left is %s", got)
	}
}

func TestEvaluate(t *testing.T) {
	d := open(t, map[string]string{"channel": "x"}, map[string]string{"trigger.t": `
- send: [always]
- when: rollout.status.phase == 'Healthy' and rollout.status.currentStepIndex == 2
  send: [when]
- when: len(analysisRuns) == 1 && analysisRuns[0].metadata.name == 'run-1'
  oncePer: rollout.status.phase
  send: [runs]
- when: time.Now().Sub(time.Parse('1969-12-31T23:00:00Z')).Hours() == 1
  send: [time]
- when: secrets.channel == 'x'
  send: [secret]
- when: rollout.status.pauseConditions[0].reason == 'x'
  send: [broken]
- when: rollout.status.phase
  send: [text]`})
	entries, err := d.Evaluate("t", rollout("Healthy"))
	var fires []string
	for _, e := range entries {
		if e.True || !e.Conditional {
			fires = append(fires, e.Templates[0]+e.OncePer)
		}
	}
	if got := strings.Join(fires, " "); got != "always when runsHealthy time secret" {
		t.Errorf("%s fire", got)
	}
	if err == nil || !strings.Contains(err.Error(), "trigger t, entry 5: ") || !strings.Contains(err.Error(), "trigger t, entry 6: ") {
		t.Errorf("error is %v", err)
	}
	fresh := notifications.Variables(map[string]any{"metadata": map[string]any{"name": "x"}}, nil, time.Now)
	if entries, _ := d.Evaluate("t", fresh); entries[1].True {
		t.Error("a rollout without a status is Healthy")
	}
	if _, err := open(t, nil, map[string]string{"trigger.t": "- when: rollout.status.phase == 'Healthy'"}).Evaluate("t", fresh); err != nil {
		t.Errorf("a rollout without a status is an error: %v", err)
	}
	if entries, err := d.Evaluate("unknown", rollout("Healthy")); len(entries) > 0 || err != nil {
		t.Errorf("a trigger that is not configured has %v, %v", entries, err)
	}
}

// The annotation is read and written by the engine's own controllers, too.
func TestKeysAreThoseOfTheEngine(t *testing.T) {
	text := "- when: rollout.status.phase == 'Healthy'\n  oncePer: rollout.metadata.name\n  send: [a]\n- when: rollout.metadata.name == 'payments-api'\n  send: [a]"
	var list []triggers.Condition
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	theirs, err := triggers.NewService(map[string][]triggers.Condition{"t": list})
	if err != nil {
		t.Fatal(err)
	}
	results, err := theirs.Run("t", rollout("Healthy"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := open(t, nil, map[string]string{"trigger.t": text}).Evaluate("t", rollout("Healthy"))
	if err != nil || len(entries) != len(results) {
		t.Fatal(entries, err)
	}
	for i, result := range results {
		for _, self := range []bool{false, true} {
			namespace := map[bool]string{true: "shop"}[self]
			want := engine.StateItemKey(self, "shop", "t", result, services.Destination{Service: "slack", Recipient: "c"})
			if got := notifications.Key(namespace, "t", entries[i], slackTo("c")); got != want || !entries[i].True {
				t.Errorf("key is %s, want %s", got, want)
			}
		}
	}
}
