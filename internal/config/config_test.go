package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func read(env map[string]string, args ...string) (Config, []string, error) {
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := Bind(set)
	if err := set.Parse(args); err != nil {
		return Config{}, nil, err
	}
	return f.Read(func(k string) string { return env[k] })
}

func TestDefaults(t *testing.T) {
	c, remarks, err := read(nil)
	if err != nil || len(remarks) > 0 {
		t.Fatalf("error %v, remarks %q", err, remarks)
	}
	if c.QPS != 40 || c.Burst != 80 || c.Resync != 15*time.Minute || c.MetricsPort != 8090 || c.HealthPort != 8080 ||
		c.Threads != (Threads{10, 30, 10, 10}) || !c.LeaderElect || c.LeaseDuration != 15*time.Second ||
		c.RenewDeadline != 10*time.Second || c.RetryPeriod != 2*time.Second || c.Traffic.IstioAPIVersion != "v1alpha3" ||
		c.LeaseName() != "argo-rollouts-controller-lock" || c.VerifyRetry != 10*time.Second || c.Namespace != "" {
		t.Errorf("defaults = %+v", c)
	}
	if c.WriteLimit() >= c.LeaseDuration-c.RenewDeadline {
		t.Errorf("a request may take %s, longer than an old leader may act", c.WriteLimit())
	}
}

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		env    map[string]string
		err    string // part of it; empty: none
		remark string
		check  func(Config) bool
	}{
		"an instance id is part of the lease's name":          {args: []string{"--instance-id=e2e"}, check: func(c Config) bool { return c.LeaseName() == "argo-rollouts-controller-lock-e2e" }},
		"the old spelling of the port still works":            {args: []string{"--metricsport=1"}, check: func(c Config) bool { return c.MetricsPort == 1 }},
		"the controller's namespace comes from the pod":       {env: map[string]string{"POD_NAMESPACE": "ops"}, check: func(c Config) bool { return c.Home == "ops" }},
		"namespaced looks at the namespace of the flag":       {args: []string{"--namespaced", "--namespace=shop"}, check: func(c Config) bool { return c.Namespace == "shop" }},
		"a namespace alone does not narrow the view":          {args: []string{"--namespace=shop"}, check: func(c Config) bool { return c.Namespace == "" }},
		"the analysis controller may run alone":               {args: []string{"--controllers=analysis"}, check: func(c Config) bool { return c.AnalysisOnly }},
		"no other controller may run alone":                   {args: []string{"--controllers=rollout"}, err: "the only value is analysis"},
		"what is not built is refused when it is asked for":   {args: []string{"--aws-verify-target-group"}, err: "target groups are not verified"},
		"also under its old name":                             {args: []string{"--alb-verify-weight"}, err: "target groups are not verified"},
		"and accepted with its default":                       {args: []string{"--traefik-api-group=traefik.io"}},
		"a version of something that is not built is refused": {args: []string{"--appmesh-crd-version=v1beta3"}, err: "App Mesh is not supported"},
		"a controller that is alone may be patient":           {args: []string{"--leader-elect=false"}, check: func(c Config) bool { return c.WriteLimit() == 30*time.Second }},
		"old ingresses are refused":                           {args: []string{"--ingress-api-version=extensions/v1beta1"}, err: "only networking.k8s.io/v1"},
		"threads for Experiments are accepted with a remark":  {args: []string{"--experiment-threads=3"}, remark: "no effect"},
		"a renew deadline needs a longer lease":               {args: []string{"--leader-election-lease-duration=5s"}, err: "has to be shorter"},
		"a level has to be one":                               {args: []string{"--loglevel=loud"}, err: "--loglevel is one of"},
		"two ports have to differ":                            {args: []string{"--metricsPort=8080"}, err: "have to differ"},
		"the interval of verification is a number of seconds": {env: map[string]string{"ROLLOUT_VERIFY_RETRY_INTERVAL": "soon"}, err: "not a number of seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			c, remarks, err := read(tc.env, tc.args...)
			switch {
			case tc.err == "" && err != nil:
				t.Fatalf("error %v", err)
			case tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
				t.Fatalf("error %v, want one with %q", err, tc.err)
			case tc.check != nil && !tc.check(c):
				t.Errorf("config = %+v", c)
			case !strings.Contains(strings.Join(remarks, "\n"), tc.remark):
				t.Errorf("remarks %q, want one with %q", remarks, tc.remark)
			}
		})
	}
}

func TestHome(t *testing.T) {
	none := func(string) string { return "" }
	file := filepath.Join(t.TempDir(), "namespace")
	if got := home(none, file); got != DefaultNamespace {
		t.Errorf("without anything: %q", got)
	}
	if err := os.WriteFile(file, []byte("ops\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := home(none, file); got != "ops" {
		t.Errorf("with a ServiceAccount: %q", got)
	}
}
