package catalog

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
	"github.com/sluice-delivery/sluice/traffic/alb"
	"github.com/sluice-delivery/sluice/traffic/istio"
	"github.com/sluice-delivery/sluice/traffic/nginx"
)

var routers = map[string]func(*v1alpha1.Rollout, traffic.Options) (traffic.Router, error){
	"alb":   alb.New,
	"istio": istio.New,
	"nginx": nginx.New,
}

// Routers makes every router that a Rollout configures, in the order of the fields of trafficRouting; none without
// traffic routing. A kind that this program does not have is an error: its traffic would silently stay where it is.
func Routers(r *v1alpha1.Rollout, o traffic.Options) ([]traffic.Router, error) {
	if r.Spec.Strategy.Canary == nil {
		return nil, nil
	}
	var all []traffic.Router
	for _, choice := range v1alpha1.Chosen(r.Spec.Strategy.Canary.TrafficRouting) {
		create, known := routers[choice.Name]
		if !known {
			return nil, fmt.Errorf("traffic router %q is not part of this build", choice.Name)
		}
		router, err := create(r, o)
		if err != nil {
			return nil, fmt.Errorf("traffic router %q: %w", choice.Name, err)
		}
		all = append(all, router)
	}
	return all, nil
}
