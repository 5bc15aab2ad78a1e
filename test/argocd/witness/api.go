package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// app is what Argo CD's API says of an Application, as far as it is asked here.
type app struct {
	Metadata struct{ Name string }
	Status   struct {
		Sync         struct{ Status, Revision string }
		Health       struct{ Status string }
		ReconciledAt time.Time
		Conditions   []struct{ Type, Message string }
		Resources    []struct{ Kind, Name, Status string }

		OperationState *struct {
			Phase, Message        string
			StartedAt, FinishedAt time.Time
			Operation             struct {
				Sync *struct {
					Revision              string
					AutoHealAttemptsCount int
				}
				InitiatedBy struct {
					Username  string
					Automated bool
				}
			}
			SyncResult *struct {
				Revision  string
				Resources []struct{ Kind, Name, Status, Message string }
			}
		}
	}
}

// String is the line that the documentation shows.
func (a app) String() string {
	text := a.Status.Sync.Status + " · " + a.Status.Health.Status
	for _, r := range a.Status.Resources {
		if r.Status != "Synced" {
			text += fmt.Sprintf(" · %s %s %s", r.Kind, r.Name, r.Status)
		}
	}
	for _, c := range a.Status.Conditions {
		text += " · " + c.Type + ": " + c.Message
	}
	return text
}

func (a app) is(sync string, health ...string) bool {
	if a.Status.Sync.Status != sync {
		return false
	}
	for _, h := range health {
		if a.Status.Health.Status == h {
			return true
		}
	}
	return len(health) == 0
}

// outOfSync names the objects that differ.
func (a app) outOfSync() (all []string) {
	for _, r := range a.Status.Resources {
		if r.Status == "OutOfSync" {
			all = append(all, r.Kind+" "+r.Name)
		}
	}
	return all
}

// operation is when the last one began; zero without one.
func (a app) operation() time.Time {
	if a.Status.OperationState == nil {
		return time.Time{}
	}
	return a.Status.OperationState.StartedAt
}

// login gets a token for the administrator, with the password that Argo CD has made for itself.
func (a *argo) login(ctx context.Context) error {
	secret := &corev1.Secret{}
	err := a.w.until(ctx, 30*time.Second, "the administrator's password", func() (bool, string) {
		err := a.w.cluster.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: "argocd-initial-admin-secret"}, secret)
		return err == nil, fmt.Sprint(err)
	})
	if err != nil {
		return err
	}
	answer := struct{ Token string }{}
	err = a.call(ctx, http.MethodPost, "/api/v1/session", map[string]string{"username": "admin", "password": string(secret.Data["password"])}, &answer)
	a.token = answer.Token
	return err
}

func (a *argo) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	return a.requestAs(ctx, a.token, method, path, body)
}

func (a *argo) requestAs(ctx context.Context, token, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+a.address(0)+path, content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 2000))
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, strings.TrimSpace(string(text)))
	}
	return response, nil
}

func (a *argo) call(ctx context.Context, method, path string, body, into any) error {
	response, err := a.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if into == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// history is what was seen of an Application.
func (a *argo) history(name string) *history[app] {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.histories[name] == nil {
		a.histories[name] = &history[app]{}
	}
	return a.histories[name]
}

// follow writes down every change of an Application that Argo CD's API tells of, until the context ends.
func (a *argo) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if err := a.stream(ctx); err != nil && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func (a *argo) stream(ctx context.Context) error {
	response, err := a.request(ctx, http.MethodGet, "/api/v1/stream/applications", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		line := struct {
			Result *struct {
				Type        string
				Application app
			}
		}{}
		if err := decoder.Decode(&line); err != nil {
			return err
		}
		if line.Result == nil {
			return errors.New("the stream has ended")
		}
		a.history(line.Result.Application.Metadata.Name).add(line.Result.Application)
	}
}

const applications = "/api/v1/applications/"

// refresh makes Argo CD look at Git again, as a webhook would.
func (a *argo) refresh(ctx context.Context, name, how string) error {
	return a.call(ctx, http.MethodGet, applications+name+"?refresh="+how, nil, nil)
}

// patch changes an Application through the API.
func (a *argo) patch(ctx context.Context, name string, merge map[string]any) error {
	text, err := json.Marshal(merge)
	if err != nil {
		return err
	}
	return a.call(ctx, http.MethodPatch, applications+name, map[string]string{"name": name, "patch": string(text), "patchType": "merge"}, nil)
}

// sync presses Sync. It waits its turn while another operation runs.
func (a *argo) sync(ctx context.Context, name string) error {
	return a.w.until(ctx, 30*time.Second, "press Sync", func() (bool, string) {
		err := a.call(ctx, http.MethodPost, applications+name+"/sync", map[string]any{"name": name, "prune": true}, nil)
		return err == nil, fmt.Sprint(err)
	})
}

// node is an object of the resource tree.
type node struct {
	Kind, Name, Namespace string
	Health                *struct{ Status, Message string }
	Info                  []struct{ Name, Value string }
	ParentRefs            []struct{ Kind, Name string }
}

func (a *argo) tree(ctx context.Context, name string) ([]node, error) {
	answer := struct{ Nodes []node }{}
	err := a.call(ctx, http.MethodGet, applications+name+"/resource-tree", nil, &answer)
	return answer.Nodes, err
}

// rolloutHealth is what the tree says of the Rollout.
func (a *argo) rolloutHealth(ctx context.Context, name string) (status, message string, err error) {
	nodes, err := a.tree(ctx, name)
	for _, n := range nodes {
		if n.Kind == "Rollout" && n.Health != nil {
			return n.Health.Status, n.Health.Message, err
		}
	}
	return "", "", err
}

func object(namespace, name string) url.Values {
	return url.Values{"group": {"argoproj.io"}, "version": {"v1alpha1"}, "kind": {"Rollout"}, "namespace": {namespace}, "resourceName": {name}}
}

// action is what the resource menu offers.
type action struct {
	Name     string
	Disabled bool
}

func (a *argo) actions(ctx context.Context, name, namespace, rollout string) (map[string]bool, error) {
	answer := struct{ Actions []action }{}
	err := a.call(ctx, http.MethodGet, applications+name+"/resource/actions?"+object(namespace, rollout).Encode(), nil, &answer)
	enabled := map[string]bool{}
	for _, one := range answer.Actions {
		enabled[one.Name] = !one.Disabled
	}
	return enabled, err
}

func actionBody(name, namespace, rollout, action string) map[string]any {
	return map[string]any{"name": name, "group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout", "namespace": namespace, "resourceName": rollout, "action": action}
}

// act runs an action from the resource menu.
func (a *argo) act(ctx context.Context, name, namespace, rollout, action string) error {
	return a.call(ctx, http.MethodPost, applications+name+"/resource/actions/v2", actionBody(name, namespace, rollout, action), nil)
}
