package witness

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What may be missed by nobody: from nothing to the first Synced, and from an abort or a sync to what shows it. On a machine
// that is busy with other things WITNESS_PATIENCE multiplies them; the figures are printed as they are.
var (
	toSynced = patience() * time.Minute
	toShow   = patience() * 5 * time.Second
)

func patience() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("WITNESS_PATIENCE")); err == nil && n > 0 {
		return time.Duration(n)
	}
	return 1
}

const (
	withSluice = "with Sluice"
	stockSetup = "stock"
)

// bringUp installs everything and waits for the first Application to be Synced; then it sets a stock Argo CD beside it.
func (w *Witness) bringUp(ctx context.Context) error {
	var err error
	if w.ours, err = w.newArgo(withSluice, "argocd", 23050); err != nil {
		return err
	}
	if w.stock, err = w.newArgo(stockSetup, "argocd-stock", 23060); err != nil {
		return err
	}
	err = together(
		func() error { return w.installSluice(ctx) },
		func() error {
			if err := w.ours.install(ctx, true); err != nil {
				return err
			}
			if err := w.served(ctx, "Application"); err != nil {
				return err
			}
			w.note("Argo CD's manifests and the pack are applied: %s", seconds(time.Since(w.begin)))
			if err := w.ours.up(ctx); err != nil {
				return err
			}
			w.note("Argo CD answers: %s", seconds(time.Since(w.begin)))
			return nil
		},
	)
	if err != nil {
		return err
	}
	w.note("everything is up: %s", seconds(time.Since(w.begin)))
	if w.main, err = w.ours.subject(ctx, "payments", 23100, subjectOptions{kind: "canary", plugin: true}); err != nil {
		return err
	}
	synced, err := w.main.app(ctx, w.begin, "Synced", func(a app) bool { return a.is("Synced") })
	if err != nil {
		return err
	}
	took := synced.at.Sub(w.begin)
	w.figure("cluster usable to the first Application Synced: %s", seconds(took))
	if took > toSynced {
		return fmt.Errorf("the first Application was Synced after %s; %s is the limit", seconds(took), toSynced)
	}
	if _, err := w.main.state(ctx, w.begin, "Synced", "Healthy", ""); err != nil {
		return err
	}
	if err := w.document(ctx, w.main, "After the first sync"); err != nil {
		return err
	}
	if err := w.stock.install(ctx, false); err != nil {
		return err
	}
	if err := w.stock.up(ctx); err != nil {
		return err
	}
	if w.same, err = w.stock.subject(ctx, "payments-stock", 23101, subjectOptions{kind: "canary"}); err != nil {
		return err
	}
	_, err = w.same.state(ctx, w.begin, "Synced", "Healthy", "")
	return err
}

// served waits until the API server knows a kind of Argo CD's.
func (w *Witness) served(ctx context.Context, kind string) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: kind + "List"})
	return w.until(ctx, 30*time.Second, kind+" is served", func() (bool, string) {
		err := w.cluster.List(ctx, list)
		return err == nil, fmt.Sprint(err)
	})
}
