package story

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/internal/kube"
)

// Cluster is the way to a cluster as its administrator: a client, and kubectl with the plugin.
type Cluster struct {
	client.WithWatch
	config     *rest.Config
	kubeconfig string
	bin        string // where the plugin is
}

// Connect reads a kubeconfig.
func Connect(kubeconfig, bin string) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 400
	scheme, err := kube.Scheme()
	if err != nil {
		return nil, err
	}
	if err := discoveryv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := authenticationv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	return &Cluster{WithWatch: c, config: config, kubeconfig: kubeconfig, bin: bin}, nil
}

// Kubectl runs kubectl as a person would; the plugin is found in PATH. The answer is what it printed.
func (c *Cluster) Kubectl(ctx context.Context, arguments ...string) (string, error) {
	return c.kubectl(ctx, "", arguments...)
}

func (c *Cluster) kubectl(ctx context.Context, input string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "kubectl", arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig, "PATH="+c.bin+":"+os.Getenv("PATH"))
	command.Stdin = strings.NewReader(input)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(string(output)), nil
}

// Apply is kubectl apply --server-side with manifests as text.
func (c *Cluster) Apply(ctx context.Context, manifests string) error {
	_, err := c.kubectl(ctx, manifests, "apply", "--server-side", "--field-manager=demo", "-f", "-")
	return err
}

// Account writes a kubeconfig that holds a token of a ServiceAccount and nothing else, and returns its path.
func (c *Cluster) Account(ctx context.Context, folder, namespace, name string) (string, error) {
	day := int64(24 * 3600)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &day}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := c.SubResource("token").Create(ctx, account, request); err != nil {
		return "", fmt.Errorf("make a token of %s/%s: %w", namespace, name, err)
	}
	authority := c.config.CAData
	if len(authority) == 0 && c.config.CAFile != "" {
		var err error
		if authority, err = os.ReadFile(c.config.CAFile); err != nil {
			return "", err
		}
	}
	file := filepath.Join(folder, "kubeconfig."+name)
	return file, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"demo": {Server: c.config.Host, CertificateAuthorityData: authority}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: request.Status.Token}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: "demo", AuthInfo: name}},
		CurrentContext: name,
	}, file)
}

// until asks again and again, until the answer is yes or the limit is over; then the error says what was seen last.
func until(ctx context.Context, limit time.Duration, what string, ask func() (bool, string)) error {
	end := time.Now().Add(limit)
	for {
		done, seen := ask()
		if done {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not observed within %s; seen last: %s", what, limit, seen)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
