package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func clientKey(o client.Object) client.ObjectKey { return client.ObjectKeyFromObject(o) }

// start observes the cluster and starts the proxy and Prometheus beside it, each with rights of its own.
func (s *Story) start(ctx context.Context) error {
	version, err := s.Cluster.Kubectl(ctx, "version", "-o", "json")
	if err != nil {
		return err
	}
	var versions struct{ ServerVersion struct{ GitVersion string } }
	if err := yaml.Unmarshal([]byte(version), &versions); err != nil {
		return err
	}
	nodes := &corev1.NodeList{}
	err = s.until(ctx, time.Minute, "a node is Ready", func() (bool, string) {
		err := s.Cluster.List(ctx, nodes)
		return err == nil && readyNodes(nodes) > 0, fmt.Sprintf("%d nodes, %v", len(nodes.Items), err)
	})
	if err != nil {
		return err
	}
	s.observe("Kubernetes %s answers, %d node Ready", versions.ServerVersion.GitVersion, readyNodes(nodes))
	rbac, err := s.read("rbac.yaml")
	if err == nil {
		err = s.Cluster.Apply(ctx, rbac)
	}
	if err != nil {
		return err
	}
	if err := s.startProxy(ctx); err != nil {
		return err
	}
	return s.startPrometheus(ctx)
}

func readyNodes(nodes *corev1.NodeList) (n int) {
	for _, node := range nodes.Items {
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				n++
			}
		}
	}
	return n
}

func (s *Story) startProxy(ctx context.Context) error {
	account, err := s.account(ctx, "ingress", "traefik")
	if err != nil {
		return err
	}
	begin, file := time.Now(), filepath.Join(s.Work, "traefik.yaml")
	text, err := s.read("traefik.yaml")
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o600)
	}
	if err == nil {
		_, err = s.Processes.Start("traefik", []string{"KUBECONFIG=" + account}, s.Traefik, "--configfile="+file)
	}
	if err != nil {
		return err
	}
	if err := s.until(ctx, time.Minute, "Traefik answers", answers(ctx, "http://"+s.Address+proxyStatus+"/ping")); err != nil {
		return err
	}
	s.observe("Traefik answers, as ServiceAccount ingress/traefik, after %s", seconds(time.Since(begin)))
	return nil
}

func (s *Story) startPrometheus(ctx context.Context) error {
	account, err := s.account(ctx, "monitoring", "prometheus")
	if err != nil {
		return err
	}
	folder := filepath.Join(s.Work, "prometheus")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	text, err := os.ReadFile(s.file("testdata", "demo", "prometheus.yml"))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "prometheus.yml"), text, 0o600)
	}
	if err == nil {
		err = os.Rename(account, filepath.Join(folder, "kubeconfig"))
	}
	if err != nil {
		return err
	}
	s.accounts["prometheus"] = filepath.Join(folder, "kubeconfig")
	begin := time.Now()
	_, err = s.Processes.Start("prometheus", nil, s.Prometheus, "--config.file", filepath.Join(folder, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(folder, "tsdb"), "--web.listen-address", s.Address+prometheusPort)
	if err != nil {
		return err
	}
	if err := s.until(ctx, time.Minute, "Prometheus is ready", answers(ctx, "http://"+s.Address+prometheusPort+"/-/ready")); err != nil {
		return err
	}
	s.observe("Prometheus is ready, as ServiceAccount monitoring/prometheus, after %s", seconds(time.Since(begin)))
	return nil
}

// account makes a kubeconfig for a ServiceAccount, which goes at the end.
func (s *Story) account(ctx context.Context, namespace, name string) (string, error) {
	var file string
	err := s.until(ctx, 20*time.Second, "ServiceAccount "+namespace+"/"+name, func() (bool, string) {
		var err error
		file, err = s.Cluster.Account(ctx, s.Work, namespace, name)
		return err == nil, fmt.Sprint(err)
	})
	s.accounts[name] = file
	return file, err
}

func answers(ctx context.Context, url string) func() (bool, string) {
	return func() (bool, string) {
		text, err := fetch(ctx, url)
		return err == nil, fmt.Sprintf("%s %v", text, err)
	}
}

func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return strings.TrimSpace(string(text)), err
}

// install does what the README tells a user to, and starts controller and agent under the ServiceAccounts made by that.
func (s *Story) install(ctx context.Context) error {
	for _, name := range []string{"install.yaml", "agent.yaml"} {
		if err := s.installFile(ctx, name); err != nil {
			return err
		}
	}
	s.observe("kubectl apply --server-side -f manifests/install.yaml and manifests/agent.yaml were accepted")
	if s.Pods {
		return s.awaitDeployments(ctx)
	}
	if err := s.startController(ctx); err != nil {
		return err
	}
	account, err := s.account(ctx, "sluice-agent", "gitops-agent")
	if err != nil {
		return err
	}
	if err := s.whoAmI(ctx, account); err != nil {
		return err
	}
	_, err = s.Processes.Start("gitops-agent", nil, filepath.Join(s.Bin, "gitops-agent"), "--kubeconfig", account,
		"--namespace", "sluice-agent", "--reconcile-interval", s.Interval.String())
	if err != nil {
		return err
	}
	if err := s.until(ctx, time.Minute, "the agent is ready", answers(ctx, "http://127.0.0.1:8082/readyz")); err != nil {
		return err
	}
	s.observe("the agent is ready")
	return nil
}

// installFile applies a manifest. Beside simulated nodes its Deployments get no replicas: nothing runs in such a pod.
func (s *Story) installFile(ctx context.Context, name string) error {
	path := s.file("manifests", name)
	if s.Pods {
		_, err := s.Cluster.Kubectl(ctx, "apply", "--server-side", "-f", path)
		if err == nil && name == "agent.yaml" {
			s.note("changed in manifests/%s: the agent asks Git every %s, not every 2 minutes", name, s.Interval)
			_, err = s.Cluster.Kubectl(ctx, "patch", "deployment", "gitops-agent", "-n", "sluice-agent", "--type=json", "-p",
				fmt.Sprintf(`[{"op": "add", "path": "/spec/template/spec/containers/0/args", "value": ["--reconcile-interval=%s"]}]`, s.Interval))
		}
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := strings.Split(string(text), "\n---\n")
	for i, d := range documents {
		if strings.Contains("\n"+d, "\nkind: Deployment\n") {
			documents[i] = strings.Replace(d, "\n  replicas: 1\n", "\n  replicas: 0\n", 1)
			if documents[i] == d {
				return fmt.Errorf("manifests/%s: a Deployment without the line replicas: 1", name)
			}
			s.note("changed in manifests/%s: the Deployment gets 0 replicas, its program runs beside the simulated nodes", name)
		}
	}
	_, err = s.Cluster.kubectl(ctx, strings.Join(documents, "\n---\n"), "apply", "--server-side", "-f", "-")
	return err
}

// startController starts it, also again, and waits until it acts: it holds the lease under a new name.
func (s *Story) startController(ctx context.Context) error {
	account, found := s.accounts["argo-rollouts"]
	if !found {
		var err error
		if account, err = s.account(ctx, "argo-rollouts", "argo-rollouts"); err != nil {
			return err
		}
		if err := s.whoAmI(ctx, account); err != nil {
			return err
		}
	}
	before, begin := s.leader(ctx), time.Now()
	var err error
	// The port of /healthz is not 8080: the pods' addresses are this machine's own here, and they listen there.
	s.controller, err = s.Processes.Start("rollouts-controller", []string{"POD_NAMESPACE=argo-rollouts"}, filepath.Join(s.Bin, "rollouts-controller"),
		"--kubeconfig", account, "--healthzPort", "8079")
	if err != nil {
		return err
	}
	err = s.until(ctx, time.Minute, "the controller holds its lease", func() (bool, string) {
		now := s.leader(ctx)
		return now != "" && now != before, "held by " + now
	})
	if err == nil {
		s.observe("the controller leads, %s after its start", seconds(time.Since(begin)))
	}
	return err
}

func (s *Story) leader(ctx context.Context) string {
	leases := &coordinationv1.LeaseList{}
	if s.Cluster.List(ctx, leases, client.InNamespace("argo-rollouts")) != nil {
		return ""
	}
	for _, l := range leases.Items {
		if l.Name == "argo-rollouts-controller-lock" && l.Spec.HolderIdentity != nil {
			return *l.Spec.HolderIdentity
		}
	}
	return ""
}

// whoAmI asks the API server whom a kubeconfig speaks for.
func (s *Story) whoAmI(ctx context.Context, kubeconfig string) error {
	name, err := s.Cluster.Kubectl(ctx, "--kubeconfig", kubeconfig, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(name, "system:serviceaccount:") {
		return fmt.Errorf("%s speaks for %s", kubeconfig, name)
	}
	s.observe("a token of %s and no other right", name)
	return nil
}

func (s *Story) awaitDeployments(ctx context.Context) error {
	for _, d := range [][2]string{{"argo-rollouts", "argo-rollouts"}, {"sluice-agent", "gitops-agent"}} {
		if _, err := s.Cluster.Kubectl(ctx, "rollout", "status", "deployment/"+d[1], "-n", d[0], "--timeout=120s"); err != nil {
			return err
		}
		s.observe("Deployment %s/%s is available", d[0], d[1])
	}
	return nil
}
