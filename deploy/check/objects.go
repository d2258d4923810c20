package main

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// workload is whatever makes pods.
type workload struct {
	kind, name string
	selector   *metav1.LabelSelector
	template   corev1.PodTemplateSpec
	claims     []corev1.PersistentVolumeClaim
	// What a rollout adds.
	surge intstr.IntOrString
	// As many may still be ending while a rollout goes on with others.
	ending int
}

func (w workload) String() string { return w.kind + " " + w.name }

// cluster is what one overlay makes, by name.
type cluster struct {
	workloads  []workload
	services   map[string]*corev1.Service
	configMaps map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
	accounts   map[string]bool
	found      *faults
}

func (c *cluster) say(format string, args ...any) { c.found.add(format, args...) }

// checkObjects sees that what objects name is there, and that pods keep to the restricted standard.
func checkObjects(objects []runtime.Object, found *faults) {
	c := &cluster{
		services:   map[string]*corev1.Service{},
		configMaps: map[string]*corev1.ConfigMap{},
		secrets:    map[string]*corev1.Secret{},
		accounts:   map[string]bool{},
		found:      found,
	}
	for _, object := range objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			c.workloads = append(c.workloads, workload{"Deployment", o.Name, o.Spec.Selector, o.Spec.Template, nil, surgeOf(o), endingOf(o)})
		case *appsv1.StatefulSet:
			c.workloads = append(c.workloads, workload{"StatefulSet", o.Name, o.Spec.Selector, o.Spec.Template, o.Spec.VolumeClaimTemplates, intstr.IntOrString{}, 0})
		case *batchv1.Job:
			c.workloads = append(c.workloads, workload{"Job", o.Name, nil, o.Spec.Template, nil, intstr.IntOrString{}, 0})
		case *corev1.Service:
			c.services[o.Name] = o
		case *corev1.ConfigMap:
			c.configMaps[o.Name] = o
		case *corev1.Secret:
			c.secrets[o.Name] = o
		case *corev1.ServiceAccount:
			c.accounts[o.Name] = true
		}
	}
	for _, w := range c.workloads {
		c.checkWorkload(w)
		c.checkEgress(w, objects)
		c.checkNames(w, objects)
	}
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			c.checkService(o)
		case *appsv1.StatefulSet:
			if c.services[o.Spec.ServiceName] == nil {
				c.say("StatefulSet %s: no Service %s", o.Name, o.Spec.ServiceName)
			}
		case *networkingv1.Ingress:
			c.checkIngress(o)
			c.checkCertificate(o, objects)
		case *networkingv1.NetworkPolicy:
			c.checkNetworkPolicy(o)
		case *policyv1.PodDisruptionBudget:
			if len(c.selected(o.Spec.Selector)) == 0 {
				c.say("PodDisruptionBudget %s: selects no pod", o.Name)
			}
		case *autoscalingv2.HorizontalPodAutoscaler:
			c.checkAutoscaler(o)
			c.checkConnections(o)
		}
	}
	c.checkNamesOfContents()
	c.checkImages()
	c.checkAddresses()
}

// namedByContents ends in the checksum that Kustomize puts there.
var namedByContents = regexp.MustCompile(`-[a-z0-9]{10}$`)

// checkNamesOfContents sees that what is in a Secret or a ConfigMap is in its name: a pod takes another one only where its template names another one.
func (c *cluster) checkNamesOfContents() {
	for _, kind := range []struct {
		name string
		of   []string
	}{{"Secret", keysOf(c.secrets)}, {"ConfigMap", keysOf(c.configMaps)}} {
		for _, name := range kind.of {
			if !namedByContents.MatchString(name) {
				c.say("%s %s: no checksum in its name, so no pod takes what is changed in it", kind.name, name)
			}
		}
	}
}

func surgeOf(deployment *appsv1.Deployment) intstr.IntOrString {
	if update := deployment.Spec.Strategy.RollingUpdate; update != nil && update.MaxSurge != nil {
		return *update.MaxSurge
	}
	return intstr.FromString("25%")
}

// endingOf is how many pods of a rollout may be told to end before the first of them is gone: one for each time that a new one is waited for.
func endingOf(deployment *appsv1.Deployment) int {
	grace := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if given := deployment.Spec.Template.Spec.TerminationGracePeriodSeconds; given != nil {
		grace = *given
	}
	ready := max(1, int64(deployment.Spec.MinReadySeconds))
	return int((grace + ready - 1) / ready)
}

func (c *cluster) selected(selector *metav1.LabelSelector) []workload {
	match, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		c.say("%v", err)
		return nil
	}
	var found []workload
	for _, w := range c.workloads {
		if match.Matches(labels.Set(w.template.Labels)) {
			found = append(found, w)
		}
	}
	return found
}

func hasPort(w workload, port intstr.IntOrString) bool {
	for _, container := range w.template.Spec.Containers {
		for _, p := range container.Ports {
			if p.Name == port.StrVal && port.Type == intstr.String || p.ContainerPort == port.IntVal && port.Type == intstr.Int {
				return true
			}
		}
	}
	return false
}

func (c *cluster) checkWorkload(w workload) {
	spec := w.template.Spec
	if w.selector != nil && !slices.ContainsFunc(c.selected(w.selector), func(o workload) bool { return o.String() == w.String() }) {
		c.say("%s: its selector does not match its own pods", w)
	}
	if name := spec.ServiceAccountName; name != "" && !c.accounts[name] {
		c.say("%s: no ServiceAccount %s", w, name)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		c.say("%v", err)
		return
	}
	level := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &w.template.ObjectMeta, &spec) {
		if !result.Allowed {
			c.say("%s: not of the restricted standard: %s: %s", w, result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	files, volumes := c.filesOf(w)
	for _, container := range spec.Containers {
		c.checkContainer(w, container, files, volumes)
	}
	if w.kind != "Deployment" {
		return
	}
	for _, container := range spec.Containers {
		if container.LivenessProbe == nil || container.ReadinessProbe == nil {
			c.say("%s: %s has no liveness or no readiness", w, container.Name)
		}
		var waits int64
		if hook := container.Lifecycle; hook != nil && hook.PreStop != nil && hook.PreStop.Sleep != nil {
			waits = hook.PreStop.Sleep.Seconds
		}
		env := c.environmentOf(w, container)
		drain, _ := strconv.ParseInt(env["DRAIN_MS"], 10, 64)
		most, _ := strconv.ParseInt(env["DRAIN_MAX_MS"], 10, 64)
		const rest = 10
		if needed := waits + max(drain, most)/1000 + rest; spec.TerminationGracePeriodSeconds == nil || *spec.TerminationGracePeriodSeconds < needed {
			c.say("%s: terminationGracePeriodSeconds must be %d or more: preStop, DRAIN_MS or DRAIN_MAX_MS, and %d", w, needed, rest)
		}
	}
}

// filesOf tells which files of ConfigMaps and Secrets each volume has, and what else there is to mount.
func (c *cluster) filesOf(w workload) (files map[string][]string, volumes map[string]bool) {
	files, volumes = map[string][]string{}, map[string]bool{}
	for _, claim := range w.claims {
		volumes[claim.Name] = true
	}
	for _, volume := range w.template.Spec.Volumes {
		volumes[volume.Name] = true
		var keys []string
		var items []corev1.KeyToPath
		switch {
		case volume.Secret != nil:
			secret := c.secrets[volume.Secret.SecretName]
			if secret == nil {
				c.say("%s: no Secret %s", w, volume.Secret.SecretName)
				continue
			}
			keys, items = keysOf(secret.Data), volume.Secret.Items
		case volume.ConfigMap != nil:
			configMap := c.configMaps[volume.ConfigMap.Name]
			if configMap == nil {
				c.say("%s: no ConfigMap %s", w, volume.ConfigMap.Name)
				continue
			}
			keys, items = keysOf(configMap.Data), volume.ConfigMap.Items
		default:
			continue
		}
		if len(items) == 0 {
			files[volume.Name] = keys
		}
		for _, item := range items {
			if !slices.Contains(keys, item.Key) {
				c.say("%s: volume %s takes the key %s, which is not there", w, volume.Name, item.Key)
			}
			files[volume.Name] = append(files[volume.Name], item.Path)
		}
	}
	return files, volumes
}

func (c *cluster) checkContainer(w workload, container corev1.Container, files map[string][]string, volumes map[string]bool) {
	mounted := map[string]bool{}
	for _, mount := range container.VolumeMounts {
		if !volumes[mount.Name] {
			c.say("%s: mounts %s, which is no volume of it", w, mount.Name)
		}
		for _, file := range files[mount.Name] {
			mounted[path.Join(mount.MountPath, file)] = true
		}
	}
	words := append(append([]string{}, container.Command...), container.Args...)
	for key, value := range c.environmentOf(w, container) {
		words = append(words, value)
		if isSecretKey(key) {
			c.say("%s: %s stands in the environment, not in a file", w, key)
		}
	}
	for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe, container.StartupProbe} {
		if probe == nil {
			continue
		}
		if probe.Exec != nil {
			words = append(words, probe.Exec.Command...)
		}
		for _, port := range portsOf(probe) {
			if !hasPort(w, port) {
				c.say("%s: a probe asks the port %s, which is not there", w, port.String())
			}
		}
	}
	for _, file := range secretPaths(words) {
		if !mounted[file] {
			c.say("%s: reads %s, which is not mounted", w, file)
		}
	}
	if security := container.SecurityContext; security == nil || security.ReadOnlyRootFilesystem == nil || !*security.ReadOnlyRootFilesystem {
		c.say("%s: %s may write to its image", w, container.Name)
	}
	if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
		c.say("%s: %s has no limit of memory, or requests no CPU", w, container.Name)
	}
}

func portsOf(probe *corev1.Probe) []intstr.IntOrString {
	var ports []intstr.IntOrString
	if probe.HTTPGet != nil {
		ports = append(ports, probe.HTTPGet.Port)
	}
	if probe.TCPSocket != nil {
		ports = append(ports, probe.TCPSocket.Port)
	}
	return ports
}

func (c *cluster) environmentOf(w workload, container corev1.Container) map[string]string {
	env := map[string]string{}
	for _, source := range container.EnvFrom {
		if source.ConfigMapRef == nil {
			c.say("%s: takes an environment that is no ConfigMap", w)
		} else if configMap := c.configMaps[source.ConfigMapRef.Name]; configMap == nil {
			c.say("%s: no ConfigMap %s", w, source.ConfigMapRef.Name)
		} else {
			for key, value := range configMap.Data {
				env[key] = value
			}
		}
	}
	for _, variable := range container.Env {
		env[variable.Name] = variable.Value
	}
	return env
}

// checkImages sees that the tables are migrated by the version that uses them, and that an image is the same tomorrow.
func (c *cluster) checkImages() {
	ours := map[string]bool{}
	for _, w := range c.workloads {
		for _, container := range w.template.Spec.Containers {
			if _, tag, _ := strings.Cut(path.Base(container.Image), ":"); tag == "" || tag == "latest" {
				c.say("%s: image %s has no tag", w, container.Image)
			}
			if w.template.Labels["app.kubernetes.io/name"] == "earshot" {
				ours[container.Image] = true
			}
		}
	}
	if len(ours) != 1 {
		c.say("hubs and the migration are of different images: %v", keysOf(ours))
	}
}

// checkAddresses sees that where the stores are here, the addresses in the secrets are theirs.
func (c *cluster) checkAddresses() {
	if !slices.ContainsFunc(c.workloads, func(w workload) bool { return w.kind == "StatefulSet" }) {
		return
	}
	for name, secret := range c.secrets {
		for key, value := range secret.Data {
			if !strings.HasSuffix(key, "-url") {
				continue
			}
			address, err := url.Parse(strings.TrimSpace(string(value)))
			if err != nil || c.services[address.Hostname()] == nil {
				c.say("Secret %s: %s names no Service of here", name, key)
			}
		}
	}
}
