//go:build apiserver

package apiserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/internal/config"
	"github.com/sluice-delivery/sluice/internal/controller"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// cluster is the door of the tests to the API server, with all rights. The controller has its own.
var cluster client.WithWatch

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	file := os.Getenv("KUBECONFIG")
	if file == "" {
		return 0, errors.New("KUBECONFIG names no cluster; make apiserver makes one, or set it to one that may be written to")
	}
	conf, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		return 0, err
	}
	conf.QPS, conf.Burst = 200, 400
	scheme, err := kube.Scheme()
	if err != nil {
		return 0, err
	}
	if cluster, err = client.NewWithWatch(conf, client.Options{Scheme: scheme}); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := install(ctx); err != nil {
		return 0, fmt.Errorf("install: %w", err)
	}
	// What does not decode is there before the controller starts: its first list has to survive it.
	if err := malform(ctx, "before"); err != nil {
		return 0, fmt.Errorf("store malformed objects: %w", err)
	}
	files, err := os.MkdirTemp("", "apiserver")
	if err != nil {
		return 0, err
	}
	ended, err := start(ctx, conf, files)
	if err != nil {
		return 0, fmt.Errorf("start the controller: %w", err)
	}
	code := m.Run()
	cancel()
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		err = errors.New("it does not end")
	}
	if err != nil {
		return 0, fmt.Errorf("the controller: %w", err)
	}
	if code != 0 {
		fmt.Println("the controller's log:", filepath.Join(files, "log"))
		return code, os.Remove(filepath.Join(files, "kubeconfig")) // it holds a token
	}
	return code, os.RemoveAll(files)
}

// install does what kubectl apply --server-side -f manifests/install.yaml does.
func install(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join("..", "..", "manifests", "install.yaml"))
	if err != nil {
		return err
	}
	for _, document := range bytes.Split(text, []byte("\n---\n"))[1:] {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &o.Object); err != nil {
			return err
		}
		if o.GetKind() == "Deployment" {
			continue // the controller runs here
		}
		if err := cluster.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("test"), client.ForceOwnership); err != nil {
			return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return wait(ctx, 20*time.Second, func() error { // until all kinds are served
		for _, kind := range []string{"Rollout", "AnalysisTemplate", "AnalysisRun", "ClusterAnalysisTemplate", "Experiment"} {
			if _, err := list(ctx, kind, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// start runs the controller as the ServiceAccount that was installed.
func start(ctx context.Context, admin *rest.Config, files string) (<-chan error, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "argo-rollouts", Name: "argo-rollouts"}}
	token := &authenticationv1.TokenRequest{}
	if err := cluster.SubResource("token").Create(ctx, account, token); err != nil {
		return nil, err
	}
	file := filepath.Join(files, "kubeconfig")
	if err := kubeconfig(file, admin, token.Status.Token); err != nil {
		return nil, err
	}
	set := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	flags := config.Bind(set)
	if err := set.Parse([]string{"--kubeconfig", file, "--metricsPort=0", "--healthzPort=0", "--loglevel", "debug"}); err != nil {
		return nil, err
	}
	conf, _, err := flags.Read(func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(files, "log"))
	if err != nil {
		return nil, err
	}
	handler := slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	klog.SetLogger(logr.FromSlogHandler(handler))
	ended := make(chan error, 1)
	go func() { ended <- controller.Run(ctx, conf, slog.New(handler)) }()
	return ended, nil
}

func kubeconfig(file string, admin *rest.Config, token string) error {
	c := clientcmdapi.NewConfig()
	c.Clusters["c"] = &clientcmdapi.Cluster{Server: admin.Host, CertificateAuthority: admin.CAFile, CertificateAuthorityData: admin.CAData}
	c.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: token}
	c.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	c.CurrentContext = "x"
	return clientcmd.WriteToFile(*c, file)
}

func list(ctx context.Context, kind, namespace string) (*unstructured.UnstructuredList, error) {
	l := &unstructured.UnstructuredList{}
	l.SetAPIVersion("argoproj.io/v1alpha1")
	l.SetKind(kind + "List")
	return l, cluster.List(ctx, l, client.InNamespace(namespace))
}

// loosely runs do while the CRDs of templates and Rollouts accept anything, as those of an older installation may.
func loosely(ctx context.Context, do func() error) (err error) {
	for _, name := range []string{"rollouts.argoproj.io", "analysistemplates.argoproj.io"} {
		strict, err := schema(ctx, name, map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}})
		if err != nil {
			return err
		}
		defer func() {
			_, restored := schema(ctx, name, strict)
			err = errors.Join(err, restored)
		}()
	}
	return do()
}

// enforced waits until the API server refuses wrong types again: it takes up a changed schema a moment later.
func enforced(ctx context.Context) error {
	return wait(ctx, 20*time.Second, func() error {
		for _, kind := range []string{"Rollout", "AnalysisTemplate"} {
			o := &unstructured.Unstructured{Object: map[string]any{"spec": "no object"}}
			o.SetAPIVersion("argoproj.io/v1alpha1")
			o.SetKind(kind)
			o.SetNamespace("malformed")
			o.SetName("refused")
			if err := cluster.Create(ctx, o, client.DryRunAll); !apierrors.IsInvalid(err) {
				return fmt.Errorf("a %s whose spec is a text: error %v, want Invalid", kind, err)
			}
		}
		return nil
	})
}

// schema gives a CRD another schema and returns the one it had.
func schema(ctx context.Context, crd string, next map[string]any) (was map[string]any, err error) {
	return was, wait(ctx, 10*time.Second, func() error {
		o := &unstructured.Unstructured{}
		o.SetAPIVersion("apiextensions.k8s.io/v1")
		o.SetKind("CustomResourceDefinition")
		if err := cluster.Get(ctx, client.ObjectKey{Name: crd}, o); err != nil {
			return err
		}
		versions, _, err := unstructured.NestedSlice(o.Object, "spec", "versions")
		if err != nil {
			return err
		}
		was = versions[0].(map[string]any)["schema"].(map[string]any)
		versions[0].(map[string]any)["schema"] = next
		if err := unstructured.SetNestedSlice(o.Object, versions, "spec", "versions"); err != nil {
			return err
		}
		return cluster.Update(ctx, o)
	})
}

// malform stores, in namespace "malformed", a Rollout and an AnalysisTemplate with fields of wrong types.
func malform(ctx context.Context, name string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "malformed"}}
	if err := cluster.Create(ctx, ns); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	err := loosely(ctx, func() error {
		for _, text := range []string{
			`{"kind": "Rollout", "spec": {"paused": "perhaps", "template": [], "strategy": {"canary": {"steps": "none"}}}}`,
			`{"kind": "AnalysisTemplate", "spec": {"metrics": {"name": "no list"}}}`,
		} {
			err := wait(ctx, 20*time.Second, func() error { // until the loose schema is in force
				o := &unstructured.Unstructured{}
				if err := json.Unmarshal([]byte(text), &o.Object); err != nil {
					return err
				}
				o.SetAPIVersion("argoproj.io/v1alpha1")
				o.SetNamespace("malformed")
				o.SetName(name)
				if err := cluster.Create(ctx, o); err != nil && !apierrors.IsAlreadyExists(err) {
					return err
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, enforced(ctx))
}

// wait asks again and again until ask has no error.
func wait(ctx context.Context, limit time.Duration, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", limit, err)
		}
	}
}
