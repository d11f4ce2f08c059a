import { expect } from 'chai';
import { objectOf, overlays, podsOf, render, type Manifest } from './manifests.js';
import { Network } from './network.js';
import { services } from './system.js';
import { asked, scraped, sentTo } from './telemetry-edges.js';
import { describeWith } from './tools.js';

const all = services.map(({ name }) => name);
const withDatabase = [...all, ...all.map((name) => `${name}-migration`)];
const grpcPortOf = (name: string): number => services.find((service) => service.name === name)?.grpcPort ?? 0;

/** Where names are looked up: by the cluster's DNS, or by a cache on the node. */
const dns = ['kube-system', '169.254.20.10/32'];

/** The overlays whose services test-client may call: it places orders. */
const admitsTestClient = { dev: true, staging: true, production: false } as const;

/** The calls that the code makes, read from what it is configured with. */
function expectedEdges(overlay: (typeof overlays)[number]): string[] {
  return [
    ...services.flatMap(({ name, calls }) => calls.map((other) => `${name} → ${other}:${grpcPortOf(other)}`)),
    ...(admitsTestClient[overlay] ? all.map((name) => `test-client → ${name}:${grpcPortOf(name)}`) : []),
    ...(overlay === 'dev' ? withDatabase.map((name) => `${name} → postgres:5432`) : []),
    ...all.map((name) => `${name} → otel-collector:4317`),
    ...scraped().map((target) => `prometheus → ${target}`),
    ...asked().map((target) => `grafana → ${target}`),
    ...sentTo().map((target) => `otel-collector → ${target}`),
  ].toSorted();
}

const lookUps = (manifests: readonly Manifest[]): string[] =>
  podsOf(manifests).flatMap(({ name }) => dns.map((place) => `${name} → ${place}:53`));

describeWith(['kustomize'], 'the network', () => {
  for (const overlay of overlays) {
    describe(`of ${overlay}`, () => {
      const manifests = [...render(overlay), ...render('smoke-test')];
      const network = new Network(manifests);

      it('isolates every pod', () => {
        for (const pod of podsOf(manifests)) expect(network.isIsolated(pod), pod.title).to.equal(true);
      });

      for (const side of ['ingress', 'egress'] as const) {
        it(`allows what the code does, and nothing more, as ${side}`, () => {
          expect(network.edges(side)).to.deep.equal(expectedEdges(overlay));
        });
      }

      it('leads out of the namespace to the names and the databases alone', () => {
        const outer = overlay === 'dev' ? [] : withDatabase.map((name) => `${name} → 192.0.2.0/24:5432`);
        expect(network.outside('egress')).to.deep.equal([...lookUps(manifests), ...outer].toSorted());
      });

      it('lets in from elsewhere the lines of the log agents alone', () => {
        expect(network.outside('ingress')).to.deep.equal(['order-processing-logs/log-agent → loki:3100']);
      });
    });
  }

  it('lets an adapter for metrics in, where calls in flight scale', () => {
    const network = new Network(render('calls in flight'));
    expect(network.outside('ingress')).to.include('monitoring/prometheus-adapter → prometheus:9090');
  });

  it('of the log agents leads to the names and to Loki alone, and lets nobody in', () => {
    const manifests = render('logs');
    const network = new Network(manifests);
    for (const pod of podsOf(manifests)) expect(network.isIsolated(pod), pod.title).to.equal(true);
    const loki = 'order-processing/app.kubernetes.io/component=observability+loki:3100';
    expect(network.outside('egress')).to.deep.equal(
      [...lookUps(manifests), `log-agent → ${loki}`].toSorted(),
    );
    expect([...network.outside('ingress'), ...network.edges('ingress')]).to.deep.equal([]);
  });
});

interface RuleAndTypes {
  readonly policyTypes?: readonly string[];
  readonly from?: object;
  readonly to?: object;
  readonly ports?: object;
}

describeWith(['kustomize'], 'what looks at NetworkPolicies', () => {
  const manifests = render('production');
  const before = new Network(manifests);

  /** What one more policy for `name` opens. */
  const opens = (name: string, side: 'ingress' | 'egress', { policyTypes: types, ...rule }: RuleAndTypes) => {
    const { labels } = podsOf([objectOf(manifests, 'Deployment', name)])[0]!;
    const policyTypes = types ?? [side === 'ingress' ? 'Ingress' : 'Egress'];
    const spec = { podSelector: { matchLabels: labels }, policyTypes, [side]: [rule] };
    const more = { apiVersion: '', kind: 'NetworkPolicy', metadata: { name: 'more' }, spec };
    const after = new Network([...manifests, more]);
    const added = (now: string[], then: string[]) => now.filter((edge) => !then.includes(edge));
    return {
      inside: added(after.edges(side), before.edges(side)),
      outside: added(after.outside(side), before.outside(side)),
    };
  };
  const ports = [{ port: 50053, protocol: 'TCP' }];
  const fromAll = (port: number) =>
    podsOf(manifests)
      .map(({ name }) => `${name} → payment-service:${port}`)
      .filter((edge) => !before.edges('ingress').includes(edge))
      .toSorted();

  it('takes ports without `from` for everybody', () => {
    const { inside, outside } = opens('payment-service', 'ingress', { ports });
    expect(inside).to.deep.equal(fromAll(50053));
    expect(outside).to.deep.equal(['* → payment-service:50053']);
    expect(opens('payment-service', 'ingress', { ports, from: [] })).to.deep.equal({ inside, outside });
  });

  it('sees every namespace let in', () => {
    const { inside, outside } = opens('payment-service', 'ingress', {
      ports,
      from: [{ namespaceSelector: {} }],
    });
    expect(inside).to.deep.equal(fromAll(50053));
    expect(outside).to.deep.equal(['* → payment-service:50053']);
    const from = [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'any' } } }];
    expect(opens('payment-service', 'ingress', { ports, from }).outside).to.deep.equal([
      '*/app=any → payment-service:50053',
    ]);
  });

  it('sees addresses let in', () => {
    const from = [{ ipBlock: { cidr: '0.0.0.0/0' } }];
    const { inside, outside } = opens('payment-service', 'ingress', { ports, from });
    expect(inside).to.deep.equal(fromAll(50053));
    expect(outside).to.deep.equal(['0.0.0.0/0 → payment-service:50053']);
  });

  it('takes addresses without ports for every port', () => {
    const to = [{ ipBlock: { cidr: '0.0.0.0/0' } }];
    expect(opens('order-service', 'egress', { to }).outside).to.deep.equal(['order-service → 0.0.0.0/0:*']);
    const narrow = [{ ipBlock: { cidr: '198.51.100.0/24' } }];
    expect(opens('order-service', 'egress', { to: narrow })).to.deep.equal({
      inside: [],
      outside: ['order-service → 198.51.100.0/24:*'],
    });
  });

  it('takes ports without `to` for everywhere', () => {
    const { inside, outside } = opens('catalog-service', 'egress', { ports });
    expect(inside).to.deep.equal(['catalog-service → payment-service:50053']);
    expect(outside).to.deep.equal(['catalog-service → *:50053']);
  });

  it('sees ranges of ports, and ports that only say their protocol', () => {
    const to = [{ podSelector: {} }];
    const range = opens('catalog-service', 'egress', { to, ports: [{ port: 50052, endPort: 50053 }] });
    expect(range).to.deep.equal({
      inside: ['catalog-service → inventory-service:50052', 'catalog-service → payment-service:50053'],
      outside: [],
    });
    const { inside } = opens('catalog-service', 'egress', { to, ports: [{ protocol: 'TCP' }] });
    expect(inside).to.include.members(['catalog-service → payment-service:50053', ...range.inside]);
  });

  it('lets rules be nothing whose type a policy does not name', () => {
    const nothing = { inside: [], outside: [] };
    expect(opens('payment-service', 'ingress', { policyTypes: ['Egress'] })).to.deep.equal(nothing);
    expect(opens('payment-service', 'ingress', { policyTypes: [] }).outside).to.deep.equal([
      '* → payment-service:*',
    ]);
  });
});
