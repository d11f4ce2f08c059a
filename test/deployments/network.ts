import type { Labels, Manifest, Pod, Selector } from './manifests.js';
import { podsOf, selects } from './manifests.js';

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string };
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number | string; readonly protocol?: string }[];
}

interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** Which pod may open a connection to which port of which, as `order-service → inventory-service:50052`. */
export class Network {
  readonly #policies: readonly Policy[];
  readonly #pods: readonly Pod[];

  constructor(manifests: readonly Manifest[]) {
    this.#policies = manifests
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .map(({ spec }) => spec as Policy);
    this.#pods = podsOf(manifests);
  }

  /** Pods that nothing may reach, and that reach nothing, but for what is allowed. */
  isIsolated({ labels }: Pod): boolean {
    const chosen = this.#policies.filter(({ podSelector }) => selects(podSelector, labels));
    const types = new Set(chosen.flatMap((one) => one.policyTypes));
    return types.has('Ingress') && types.has('Egress');
  }

  /** Edges that one side allows. */
  edges(side: 'ingress' | 'egress'): string[] {
    const edges = this.#pods.flatMap((client) =>
      this.#pods.flatMap((server) =>
        portsOf(server)
          .filter((port) =>
            side === 'ingress' ? this.#letsIn(client, server, port) : this.#letsOut(client, server, port),
          )
          .map(({ number }) => `${client.name} → ${server.name}:${number}`),
      ),
    );
    return [...new Set(edges)].toSorted();
  }

  /** Where pods may go that are not of these manifests, as `order-service → 192.0.2.0/24:5432`. */
  outside(): string[] {
    const edges = this.#pods.flatMap((client) =>
      this.#rules(client.labels, 'egress')
        .flatMap(({ to = [], ports = [] }) =>
          to.flatMap((peer) => ports.map(({ port }) => ({ place: placeOf(peer), port }))),
        )
        .flatMap(({ place, port }) => (place === undefined ? [] : `${client.name} → ${place}:${port}`)),
    );
    return [...new Set(edges)].toSorted();
  }

  #letsIn(client: Pod, server: Pod, port: Port): boolean {
    return this.#rules(server.labels, 'ingress').some(
      (rule) => (rule.from ?? []).some((peer) => isPeer(peer, client)) && names(rule, port),
    );
  }

  #letsOut(client: Pod, server: Pod, port: Port): boolean {
    return this.#rules(client.labels, 'egress').some(
      (rule) => (rule.to ?? []).some((peer) => isPeer(peer, server)) && names(rule, port),
    );
  }

  #rules(labels: Labels, side: 'ingress' | 'egress'): Rule[] {
    return this.#policies
      .filter(({ podSelector }) => selects(podSelector, labels))
      .flatMap((one) => one[side] ?? []);
  }
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

function names({ ports = [] }: Rule, { name, number }: Port): boolean {
  return ports.some(({ port }) => port === number || port === name);
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, { labels }: Pod): boolean {
  return !namespaceSelector && !ipBlock && podSelector !== undefined && selects(podSelector, labels);
}

function placeOf({ ipBlock, namespaceSelector, podSelector }: Peer): string | undefined {
  if (ipBlock) return ipBlock.cidr;
  if (!namespaceSelector) return undefined;
  const text = ({ matchLabels = {} }: Selector): string => Object.values(matchLabels).join('+');
  const namespace = text(namespaceSelector);
  return podSelector ? `${namespace}/${text(podSelector)}` : namespace;
}
