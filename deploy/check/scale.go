package main

// How many hubs there may be, and whether Postgres has connections for them.

import (
	"regexp"
	"slices"
	"strconv"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (c *cluster) checkAutoscaler(hpa *autoscalingv2.HorizontalPodAutoscaler) {
	target := hpa.Spec.ScaleTargetRef
	if !slices.ContainsFunc(c.workloads, func(w workload) bool { return w.kind == target.Kind && w.name == target.Name }) {
		c.say("HorizontalPodAutoscaler %s: no %s %s", hpa.Name, target.Kind, target.Name)
	}
	if len(hpa.Spec.Metrics) == 0 || hpa.Spec.MinReplicas == nil || *hpa.Spec.MinReplicas < 2 {
		c.say("HorizontalPodAutoscaler %s: needs a metric, and two at least", hpa.Name)
	}
}

const (
	// Beside its pool a hub has the connection of its lock.
	besidePool = 1
	// The Job that migrates, at the same time.
	migrating = 2
	// What Postgres keeps for its superusers.
	reserved = 3
)

var maxConnections = regexp.MustCompile(`^max_connections=(\d+)$`)

// checkConnections sees that a Postgres of here has connections for as many hubs as there may be: those that a rollout adds, and those that still end.
func (c *cluster) checkConnections(hpa *autoscalingv2.HorizontalPodAutoscaler) {
	allowed := 0
	for _, w := range c.workloads {
		for _, container := range w.template.Spec.Containers {
			for _, arg := range container.Args {
				if found := maxConnections.FindStringSubmatch(arg); found != nil {
					allowed, _ = strconv.Atoi(found[1])
				}
			}
		}
	}
	if allowed == 0 {
		return
	}
	for _, w := range c.workloads {
		if w.kind != hpa.Spec.ScaleTargetRef.Kind || w.name != hpa.Spec.ScaleTargetRef.Name {
			continue
		}
		hubs := int(hpa.Spec.MaxReplicas)
		surge, err := intstr.GetScaledValueFromIntOrPercent(&w.surge, hubs, true)
		pool, poolErr := strconv.Atoi(c.environmentOf(w, w.template.Spec.Containers[0])["POSTGRES_POOL_SIZE"])
		if err != nil || poolErr != nil {
			c.say("%s: its maxSurge or its POSTGRES_POOL_SIZE is no number", w)
			continue
		}
		if needed := (hubs+surge+w.ending)*(pool+besidePool) + migrating + reserved; needed > allowed {
			c.say("HorizontalPodAutoscaler %s: %d hubs, %d that a rollout adds and %d that still end, with a pool of %d and a lock each, need %d connections of Postgres, which allows %d",
				hpa.Name, hubs, surge, w.ending, pool, needed, allowed)
		}
	}
}
