package main

// What reaches what: Services, Ingresses, and what NetworkPolicies let through.

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (c *cluster) checkService(service *corev1.Service) {
	if len(service.Spec.Selector) == 0 {
		return
	}
	pods := c.selected(&metav1.LabelSelector{MatchLabels: service.Spec.Selector})
	if len(pods) == 0 {
		c.say("Service %s: selects no pod", service.Name)
	}
	for _, pod := range pods {
		for _, port := range service.Spec.Ports {
			if !hasPort(pod, port.TargetPort) {
				c.say("Service %s: %s has no port %s", service.Name, pod, port.TargetPort.String())
			}
		}
	}
}

func (c *cluster) checkIngress(ingress *networkingv1.Ingress) {
	for _, rule := range ingress.Spec.Rules {
		if len(ingress.Spec.TLS) > 0 && !slices.ContainsFunc(ingress.Spec.TLS, func(t networkingv1.IngressTLS) bool { return slices.Contains(t.Hosts, rule.Host) }) {
			c.say("Ingress %s: no certificate for %s", ingress.Name, rule.Host)
		}
		for _, p := range rule.HTTP.Paths {
			service := c.services[p.Backend.Service.Name]
			if service == nil {
				c.say("Ingress %s: no Service %s", ingress.Name, p.Backend.Service.Name)
				continue
			}
			if !slices.ContainsFunc(service.Spec.Ports, func(port corev1.ServicePort) bool {
				return port.Name == p.Backend.Service.Port.Name || port.Port == p.Backend.Service.Port.Number
			}) {
				c.say("Ingress %s: Service %s has no port %s", ingress.Name, service.Name, p.Backend.Service.Port.Name)
			}
		}
	}
}

// solver are the labels of the pod that cert-manager makes beside an Ingress while its issuer asks for a proof, and where it listens.
var solver = labels.Set{"acme.cert-manager.io/http01-solver": "true"}

const solverPort = 8089

// checkCertificate sees that who issues the certificate of an Ingress can ask for the proof, where cert-manager is to get it.
func (c *cluster) checkCertificate(ingress *networkingv1.Ingress, objects []runtime.Object) {
	if ingress.Annotations["cert-manager.io/cluster-issuer"] == "" && ingress.Annotations["cert-manager.io/issuer"] == "" {
		return
	}
	isBound := false
	for _, object := range objects {
		np, ok := object.(*networkingv1.NetworkPolicy)
		if !ok || !slices.Contains(np.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) || !c.matches(&np.Spec.PodSelector, solver) {
			continue
		}
		isBound = true
		for _, rule := range np.Spec.Ingress {
			if letsThrough(rule.Ports, corev1.ProtocolTCP, solverPort) {
				return
			}
		}
	}
	if isBound {
		c.say("Ingress %s: no NetworkPolicy lets anybody in to port %d of the pod by which cert-manager proves whose %s is", ingress.Name, solverPort, ingress.Spec.Rules[0].Host)
	}
}

func (c *cluster) matches(selector *metav1.LabelSelector, of labels.Set) bool {
	match, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && match.Matches(of)
}

// letsThrough tells whether ports of a rule, all where it names none, are with this one.
func letsThrough(ports []networkingv1.NetworkPolicyPort, protocol corev1.Protocol, port int32) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		is := corev1.ProtocolTCP
		if p.Protocol != nil {
			is = *p.Protocol
		}
		return is == protocol && (p.Port == nil || p.Port.IntVal == port)
	})
}

func (c *cluster) checkNetworkPolicy(np *networkingv1.NetworkPolicy) {
	say := func(format string, args ...any) { c.say("NetworkPolicy %s: %s", np.Name, fmt.Sprintf(format, args...)) }
	own := c.selected(&np.Spec.PodSelector)
	// Of the pods that others make in this namespace, one is known.
	if len(own) == 0 && !c.matches(&np.Spec.PodSelector, solver) {
		say("selects no pod")
	}
	peers := func(peers []networkingv1.NetworkPolicyPeer) []workload {
		var found []workload
		for _, peer := range peers {
			if peer.PodSelector == nil {
				continue
			}
			pods := c.selected(peer.PodSelector)
			if len(pods) == 0 && peer.NamespaceSelector == nil {
				say("names a peer that is no pod: %v", peer.PodSelector.MatchLabels)
			}
			found = append(found, pods...)
		}
		return found
	}
	ports := func(ports []networkingv1.NetworkPolicyPort, pods []workload) {
		for _, port := range ports {
			if port.Port.Type == intstr.String && len(pods) == 0 {
				say("names the port %s of pods that are unknown", port.Port.StrVal)
			}
			for _, pod := range pods {
				if !hasPort(pod, *port.Port) {
					say("%s has no port %s", pod, port.Port.String())
				}
			}
		}
	}
	for _, rule := range np.Spec.Ingress {
		peers(rule.From)
		ports(rule.Ports, own)
	}
	for _, rule := range np.Spec.Egress {
		ports(rule.Ports, peers(rule.To))
	}
}

// outward are the settings whose value is an address that a hub asks, and the port where it names none.
var outward = map[string]string{
	"OTEL_EXPORTER_OTLP_ENDPOINT": "",
	"JWT_JWKS_URL":                "",
	"POSTGRES_URL":                "5432",
	"REDIS_URL":                   "6379",
	"REDIS_SENTINELS":             "26379",
	"MONGODB_URL":                 "27017",
}

// checkEgress sees that a workload may reach what it is told to ask, as far as its port goes: policies know no names.
func (c *cluster) checkEgress(w workload, objects []runtime.Object) {
	for _, container := range w.template.Spec.Containers {
		env := c.environmentOf(w, container)
		for _, key := range keysOf(outward) {
			address := env[key]
			if file := env[key+"_FILE"]; file != "" {
				address = c.secretAt(w, container, file)
			}
			if address == "" {
				continue
			}
			ports, err := portsIn(address, outward[key])
			if err != nil {
				c.say("%s: %s: %v", w, key, err)
			}
			for _, port := range ports {
				if !c.mayReach(w, port, objects) {
					c.say("%s: %s is on port %d, to which no NetworkPolicy lets it", w, key, port)
				}
			}
		}
	}
}

// secretAt is what is in a file of a Secret that a container has mounted.
func (c *cluster) secretAt(w workload, container corev1.Container, file string) string {
	for _, volume := range w.template.Spec.Volumes {
		if volume.Secret == nil || c.secrets[volume.Secret.SecretName] == nil {
			continue
		}
		for _, mount := range container.VolumeMounts {
			for _, item := range volume.Secret.Items {
				if mount.Name == volume.Name && path.Join(mount.MountPath, item.Path) == file {
					return strings.TrimSpace(string(c.secrets[volume.Secret.SecretName].Data[item.Key]))
				}
			}
		}
	}
	return ""
}

const (
	namesPort    = 53
	namesSpace   = "kube-system"
	namesAddress = "169.254.20.10"
)

// checkNames sees that a workload may ask for names: the cluster's server, and the cache of its node, where there is one.
func (c *cluster) checkNames(w workload, objects []runtime.Object) {
	for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
		isBound, server, cache := false, false, false
		for _, object := range objects {
			np, ok := object.(*networkingv1.NetworkPolicy)
			if !ok || !slices.Contains(np.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) || !c.matches(&np.Spec.PodSelector, w.template.Labels) {
				continue
			}
			isBound = true
			for _, rule := range np.Spec.Egress {
				if !letsThrough(rule.Ports, protocol, namesPort) {
					continue
				}
				for _, peer := range rule.To {
					if peer.IPBlock != nil {
						block, err := netip.ParsePrefix(peer.IPBlock.CIDR)
						cache = cache || err == nil && block.Contains(netip.MustParseAddr(namesAddress))
					}
					server = server || peer.NamespaceSelector != nil && c.matches(peer.NamespaceSelector, labels.Set{"kubernetes.io/metadata.name": namesSpace})
				}
			}
		}
		if isBound && !server {
			c.say("%s: no NetworkPolicy lets it ask %s for names (%s %d)", w, namesSpace, protocol, namesPort)
		}
		if isBound && !cache {
			c.say("%s: no NetworkPolicy lets it ask the cache of its node, %s, for names (%s %d)", w, namesAddress, protocol, namesPort)
		}
	}
}

// mayReach tells whether a policy lets the pods out to a port; those that no policy is about go anywhere.
func (c *cluster) mayReach(w workload, port int32, objects []runtime.Object) bool {
	isBound := false
	for _, object := range objects {
		np, ok := object.(*networkingv1.NetworkPolicy)
		if !ok || !slices.Contains(np.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			continue
		}
		if !slices.ContainsFunc(c.selected(&np.Spec.PodSelector), func(o workload) bool { return o.String() == w.String() }) {
			continue
		}
		isBound = true
		for _, rule := range np.Spec.Egress {
			if letsThrough(rule.Ports, corev1.ProtocolTCP, port) {
				return true
			}
		}
	}
	return !isBound
}

var schemeAndLogin = regexp.MustCompile(`^[a-z][\w+.-]*://(?:[^@/]*@)?`)

// portsIn finds the ports of an address, which may name several servers by commas, each of them with its own scheme or not.
func portsIn(address, usual string) ([]int32, error) {
	if usual == "" {
		parsed, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		usual = map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
	}
	var ports []int32
	for _, server := range strings.Split(address, ",") {
		host := schemeAndLogin.ReplaceAllString(strings.TrimSpace(server), "")
		host, _, _ = strings.Cut(host, "/")
		host, _, _ = strings.Cut(host, "?")
		text := usual
		// Not those within [::1].
		if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
			text = host[at+1:]
		}
		port, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, err
		}
		ports = append(ports, int32(port))
	}
	return ports, nil
}
