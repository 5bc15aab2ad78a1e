package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sluice-delivery/sluice/traffic"
)

const serviceAccountNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Flags are the command line of the rollouts controller before it is read.
type Flags struct {
	set         *pflag.FlagSet
	c           Config
	resync      int64
	controllers []string
	loading     *clientcmd.ClientConfigLoadingRules
	overrides   *clientcmd.ConfigOverrides
}

// refused are flags of things that are not built: setting one to anything but its default is an error, since the
// controller would not do what was asked.
var refused = []struct{ name, value, what string }{
	{"aws-target-group-binding-api-version", "elbv2.k8s.aws/v1beta1", "target groups are not verified"},
	{"alb-tag-key-resource-id", "ingress.k8s.aws/resource", "target groups are not verified"},
	{"ambassador-api-version", "getambassador.io/v2", "Ambassador is not supported"},
	{"traffic-split-api-version", "v1alpha1", "SMI is not supported"},
	{"traefik-api-group", "traefik.io", "TraefikService is not supported"},
	{"traefik-api-version", "traefik.io/v1alpha1", "TraefikService is not supported"},
	{"appmesh-crd-version", "v1beta2", "App Mesh is not supported"},
}

// needless are flags that have nothing to tune here: they are accepted, so that a command line that runs elsewhere
// runs here too, and the log says that they have no effect.
var needless = []struct {
	name  string
	value int
	why   string
}{
	{"experiment-threads", 10, "Experiments are not supported"},
	{"ephemeral-metadata-threads", 10, "metadata of pods is written one pod after the other"},
}

// Bind declares the flags.
func Bind(set *pflag.FlagSet) *Flags {
	f := &Flags{set: set, loading: clientcmd.NewDefaultClientConfigLoadingRules(), overrides: &clientcmd.ConfigOverrides{}}
	c := &f.c
	set.StringVar(&f.loading.ExplicitPath, "kubeconfig", "", "kubeconfig file; without one, and without $KUBECONFIG, the cluster that the controller runs in")
	clientcmd.BindOverrideFlags(f.overrides, set, clientcmd.RecommendedConfigOverrideFlags(""))

	set.Int64Var(&f.resync, "rollout-resync", 900, "seconds after which every Rollout is looked at again")
	set.BoolVar(&c.Namespaced, "namespaced", false, "look at one namespace only (--namespace, else that of the kubeconfig's context or of the pod)")
	set.StringVar(&c.InstanceID, "instance-id", "", "look only at objects with this value of the label argo-rollouts.argoproj.io/controller-instance-id; empty: only at those without the label")
	set.Float32Var(&c.QPS, "qps", 40, "requests per second to the API server")
	set.IntVar(&c.Burst, "burst", 80, "requests to the API server that may go out at once")

	set.IntVar(&c.MetricsPort, "metricsPort", 8090, "port of /metrics")
	set.IntVar(&c.MetricsPort, "metricsport", 8090, "port of /metrics")
	set.IntVar(&c.HealthPort, "healthzPort", 8080, "port of /healthz")
	set.StringVar(&c.PprofAddress, "enable-pprof-address", "", "address of the profiling endpoints, e.g. :6060; empty: none")
	deprecate(set, "metricsport", "use --metricsPort")

	set.StringVar(&c.LogLevel, "loglevel", "info", "debug, info, warn or error")
	set.StringVar(&c.LogFormat, "logformat", "", "text or json; empty is text")
	set.IntVar(&c.KlogLevel, "kloglevel", 0, "verbosity of the Kubernetes libraries")

	set.IntVar(&c.Threads.Rollout, "rollout-threads", 10, "Rollouts worked on at the same time")
	set.IntVar(&c.Threads.Analysis, "analysis-threads", 30, "AnalysisRuns worked on at the same time")
	set.IntVar(&c.Threads.Service, "service-threads", 10, "Services worked on at the same time")
	set.IntVar(&c.Threads.Ingress, "ingress-threads", 10, "Ingresses worked on at the same time")
	set.IntVar(&c.PodUpdateRetries, "ephemeral-metadata-update-pod-retries", 3, "attempts at the metadata of a pod that somebody else changes too")

	set.StringVar(&c.Traffic.IstioAPIVersion, "istio-api-version", "v1alpha3", "version of networking.istio.io to read and write")
	ingress := "version of Ingress; only networking.k8s.io/v1 is supported"
	set.String("ingress-api-version", "", ingress)
	set.StringSliceVar(&c.ALBIngressClasses, "alb-ingress-classes", []string{"alb"}, "ingress classes of the AWS load balancer controller (repeatable)")
	set.StringSlice("nginx-ingress-classes", []string{"nginx"}, "ingress classes of ingress-nginx (repeatable); every class that a Rollout refers to is looked at")
	set.Bool("aws-verify-target-group", false, "not supported")
	set.Bool("alb-verify-weight", false, "not supported")
	deprecate(set, "alb-verify-weight", "use --aws-verify-target-group")

	set.BoolVar(&c.LeaderElect, "leader-elect", true, "let one of several controllers act, the holder of a lease")
	set.DurationVar(&c.LeaseDuration, "leader-election-lease-duration", 15*time.Second, "after which others may take over a lease that was not renewed")
	set.DurationVar(&c.RenewDeadline, "leader-election-renew-deadline", 10*time.Second, "after which a leader that cannot renew its lease gives up")
	set.DurationVar(&c.RetryPeriod, "leader-election-retry-period", 2*time.Second, "between attempts to get or renew the lease")

	set.BoolVar(&c.SelfServiceNotification, "self-service-notification-enabled", false, "read the notification configuration of each Rollout's namespace too")
	set.StringSliceVar(&f.controllers, "controllers", nil, "controllers to run: nothing for all, or analysis for AnalysisRuns alone")

	for _, r := range refused {
		set.String(r.name, r.value, "not supported: "+r.what)
	}
	for _, n := range needless {
		set.Int(n.name, n.value, "no effect: "+n.why)
	}
	return f
}

func deprecate(set *pflag.FlagSet, name, instead string) {
	if err := set.MarkDeprecated(name, instead); err != nil {
		panic(err) // the flag was declared a line above
	}
}

// Read returns what the flags and the environment say, with a remark for each flag that has no effect.
func (f *Flags) Read(getenv func(string) string) (Config, []string, error) {
	c := f.c
	c.Resync = time.Duration(f.resync) * time.Second
	c.Kube = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(f.loading, f.overrides)
	c.Home = home(getenv, serviceAccountNamespace)
	c.PrometheusAddress = getenv("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS")
	if c.Traffic.IstioAPIVersion == "" {
		c.Traffic = traffic.Options{IstioAPIVersion: "v1alpha3"}
	}
	remarks, err := f.unsupported()
	if err != nil {
		return Config{}, nil, err
	}
	if c.VerifyRetry, err = seconds(getenv("ROLLOUT_VERIFY_RETRY_INTERVAL"), 10); err != nil {
		return Config{}, nil, fmt.Errorf("ROLLOUT_VERIFY_RETRY_INTERVAL: %w", err)
	}
	if c.AnalysisOnly, err = analysisOnly(f.controllers); err != nil {
		return Config{}, nil, err
	}
	if c.Namespaced {
		if c.Namespace, _, err = c.Kube.Namespace(); err != nil {
			return Config{}, nil, fmt.Errorf("find the namespace to look at: %w", err)
		}
	}
	return c, remarks, c.validate()
}

func (f *Flags) unsupported() (remarks []string, err error) {
	for _, r := range refused {
		if value := f.set.Lookup(r.name).Value.String(); value != r.value {
			return nil, fmt.Errorf("--%s=%s: %s", r.name, value, r.what)
		}
	}
	for _, name := range []string{"aws-verify-target-group", "alb-verify-weight"} {
		if f.set.Lookup(name).Value.String() == "true" {
			return nil, fmt.Errorf("--%s: target groups are not verified", name)
		}
	}
	if v := f.set.Lookup("ingress-api-version").Value.String(); v != "" && v != "networking.k8s.io/v1" {
		return nil, fmt.Errorf("--ingress-api-version=%s: only networking.k8s.io/v1 is supported", v)
	}
	for _, n := range needless {
		if f.set.Changed(n.name) {
			remarks = append(remarks, fmt.Sprintf("--%s has no effect: %s", n.name, n.why))
		}
	}
	if f.set.Changed("nginx-ingress-classes") {
		remarks = append(remarks, "--nginx-ingress-classes has no effect: ingresses are found by the Rollouts that refer to them, whatever their class")
	}
	return remarks, nil
}

func analysisOnly(controllers []string) (bool, error) {
	switch strings.Join(controllers, ",") {
	case "":
		return false, nil
	case AnalysisController:
		return true, nil
	}
	return false, fmt.Errorf("--controllers=%s: the only value is %s", strings.Join(controllers, ","), AnalysisController)
}

func seconds(text string, otherwise int) (time.Duration, error) {
	if text == "" {
		return time.Duration(otherwise) * time.Second, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of seconds", text)
	}
	return time.Duration(n) * time.Second, nil
}
