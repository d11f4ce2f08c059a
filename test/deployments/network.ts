import type { Labels, Manifest, Pod, Selector } from './manifests.js';
import { nameLabel, podsOf, selects } from './manifests.js';

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string };
}

interface PolicyPort {
  readonly port?: number | string;
  readonly endPort?: number;
}

/** A rule without peers allows every peer; a rule without ports allows every port. */
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly PolicyPort[];
}

interface Policy {
  readonly podSelector?: Selector;
  readonly policyTypes?: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

type Side = 'ingress' | 'egress';

const namespace = 'order-processing';
const namespaceLabel = 'kubernetes.io/metadata.name';

/** Evaluates NetworkPolicies. An allowed connection is a text such as `order-service → inventory-service:50052`. */
export class Network {
  readonly #policies: readonly Policy[];
  readonly #pods: readonly Pod[];

  constructor(manifests: readonly Manifest[]) {
    this.#policies = manifests
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .map(({ spec }) => spec as Policy);
    this.#pods = podsOf(manifests);
  }

  /**
   * Whether an ingress policy and an egress policy select the pod. Kubernetes allows every connection of a pod that no
   * policy selects.
   */
  isIsolated({ labels }: Pod): boolean {
    const chosen = this.#policies.filter(({ podSelector = {} }) => selects(podSelector, labels));
    return (['ingress', 'egress'] as const).every((side) => chosen.some((one) => appliesTo(one, side)));
  }

  /** Connections between pods that one side allows: `ingress` rules of the server, or `egress` rules of the client. */
  edges(side: Side): string[] {
    const edges = this.#pods.flatMap((client) =>
      this.#pods.flatMap((server) =>
        portsOf(server)
          .filter((port) =>
            side === 'ingress' ? this.#admits(client, server, port) : this.#permits(client, server, port),
          )
          .map(({ number }) => `${client.name} → ${server.name}:${number}`),
      ),
    );
    return [...new Set(edges)].toSorted();
  }

  /**
   * Allowed connections to (`egress`) or from (`ingress`) peers outside the namespace, as
   * `order-service → 192.0.2.0/24:5432`. `*` stands for every peer or every port.
   */
  outside(side: Side): string[] {
    const edges = this.#pods.flatMap(({ name, labels }) =>
      this.#rules(labels, side).flatMap((rule) => {
        const places = peersOf(rule, side).flatMap((peer) => placeOf(peer) ?? []);
        const ports = portsIn(rule).map(textOf);
        return places.flatMap((place) =>
          ports.map((port) =>
            side === 'egress' ? `${name} → ${place}:${port}` : `${place} → ${name}:${port}`,
          ),
        );
      }),
    );
    return [...new Set(edges)].toSorted();
  }

  #admits(client: Pod, server: Pod, port: Port): boolean {
    return this.#rules(server.labels, 'ingress').some(
      (rule) => peersOf(rule, 'ingress').some((peer) => isPeer(peer, client)) && names(rule, port),
    );
  }

  #permits(client: Pod, server: Pod, port: Port): boolean {
    return this.#rules(client.labels, 'egress').some(
      (rule) => peersOf(rule, 'egress').some((peer) => isPeer(peer, server)) && names(rule, port),
    );
  }

  #rules(labels: Labels, side: Side): Rule[] {
    return this.#policies
      .filter((one) => appliesTo(one, side) && selects(one.podSelector ?? {}, labels))
      .flatMap((one) => one[side] ?? []);
  }
}

/** A policy without `policyTypes` applies to ingress, and also to egress if it has egress rules. */
function appliesTo({ policyTypes = [], egress }: Policy, side: Side): boolean {
  if (policyTypes.length > 0) return policyTypes.some((type) => type.toLowerCase() === side);
  return side === 'ingress' || egress !== undefined;
}

interface Port {
  readonly name: string;
  readonly number: number;
}

function portsOf({ spec }: Pod): Port[] {
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.map(({ name, containerPort }) => ({ name, number: containerPort })),
  );
}

/** Returns the peers that the rule names; if it names none, one peer that stands for every peer. */
function peersOf(rule: Rule, side: Side): readonly Peer[] {
  const peers = (side === 'ingress' ? rule.from : rule.to) ?? [];
  return peers.length > 0 ? peers : [{}];
}

function portsIn({ ports = [] }: Rule): readonly PolicyPort[] {
  return ports.length > 0 ? ports : [{}];
}

function textOf({ port, endPort }: PolicyPort): string {
  if (port === undefined) return '*';
  return endPort === undefined ? String(port) : `${port}-${endPort}`;
}

function names(rule: Rule, { name, number }: Port): boolean {
  return portsIn(rule).some(({ port, endPort }) => {
    if (port === undefined || port === name) return true;
    return typeof port === 'number' && number >= port && number <= (endPort ?? port);
  });
}

/**
 * Whether the peer includes a pod of our namespace. The addresses of pods are unknown, so a block of addresses includes
 * a pod only if the block contains all addresses.
 */
function isPeer({ podSelector = {}, namespaceSelector, ipBlock }: Peer, { labels }: Pod): boolean {
  if (ipBlock) return ipBlock.cidr.endsWith('/0');
  const isOwn =
    namespaceSelector === undefined || selects(namespaceSelector, { [namespaceLabel]: namespace });
  return isOwn && selects(podSelector, labels);
}

function placeOf({ ipBlock, namespaceSelector, podSelector }: Peer): string | undefined {
  if (ipBlock) return ipBlock.cidr;
  if (!namespaceSelector) return podSelector ? undefined : '*';
  const place = textOfSelector(namespaceSelector);
  return podSelector ? `${place}/${textOfSelector(podSelector)}` : place;
}

function textOfSelector({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const labels = Object.entries(matchLabels).map(([key, value]) =>
    key === namespaceLabel || key === nameLabel ? value : `${key}=${value}`,
  );
  return [...labels, ...matchExpressions.map((one) => JSON.stringify(one))].join('+') || '*';
}
