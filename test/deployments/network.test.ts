import { expect } from 'chai';
import { objectOf, overlays, podsOf, render, type Manifest } from './manifests.js';
import { Network } from './network.js';
import { services } from './system.js';
import { queried, scraped, sentTo } from './telemetry-edges.js';
import { describeWith } from '../lab/requirements.js';

const all = services.map(({ name }) => name);
const withDatabase = [...all, ...all.map((name) => `${name}-migration`)];
const grpcPortOf = (name: string): number => services.find((service) => service.name === name)?.grpcPort ?? 0;

/** Namespace of the cluster's DNS, and address of NodeLocal DNSCache. */
const dns = ['kube-system', '169.254.20.10/32'];

/** Whether test-client may call the services of an overlay. In production it may not, because it places orders. */
const admitsTestClient = { dev: true, staging: true, production: false } as const;

/** Returns the connections that the settings of the services and the configuration of the observability stack require. */
function expectedEdges(overlay: (typeof overlays)[number]): string[] {
  return [
    ...services.flatMap(({ name, calls }) => calls.map((other) => `${name} → ${other}:${grpcPortOf(other)}`)),
    ...(admitsTestClient[overlay] ? all.map((name) => `test-client → ${name}:${grpcPortOf(name)}`) : []),
    ...(overlay === 'dev' ? withDatabase.map((name) => `${name} → postgres:5432`) : []),
    ...all.map((name) => `${name} → otel-collector:4317`),
    ...scraped().map((target) => `prometheus → ${target}`),
    ...queried().map((target) => `grafana → ${target}`),
    ...sentTo().map((target) => `otel-collector → ${target}`),
  ].toSorted();
}

const lookups = (manifests: readonly Manifest[]): string[] =>
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
        it(`has ${side} rules for exactly the connections that the code needs`, () => {
          expect(network.edges(side)).to.deep.equal(expectedEdges(overlay));
        });
      }

      it('allows connections out of the namespace only to DNS and to the databases', () => {
        const outer = overlay === 'dev' ? [] : withDatabase.map((name) => `${name} → 192.0.2.0/24:5432`);
        expect(network.outside('egress')).to.deep.equal([...lookups(manifests), ...outer].toSorted());
      });

      it('accepts connections from other namespaces only from the log agents', () => {
        expect(network.outside('ingress')).to.deep.equal(['order-processing-logs/log-agent → loki:3100']);
      });
    });
  }

  it('of an overlay that scales by calls in flight accepts connections from a metrics adapter', () => {
    const network = new Network(render('staging with autoscaling by calls'));
    expect(network.outside('ingress')).to.include('monitoring/prometheus-adapter → prometheus:9090');
  });

  it('of the log agents allows connections only to DNS and Loki, and accepts no connections', () => {
    const manifests = render('logs');
    const network = new Network(manifests);
    for (const pod of podsOf(manifests)) expect(network.isIsolated(pod), pod.title).to.equal(true);
    const loki = 'order-processing/app.kubernetes.io/component=observability+loki:3100';
    expect(network.outside('egress')).to.deep.equal(
      [...lookups(manifests), `log-agent → ${loki}`].toSorted(),
    );
    expect([...network.outside('ingress'), ...network.edges('ingress')]).to.deep.equal([]);
  });
});

type Rule = Readonly<Record<string, unknown>>;

const ports = [{ port: 50053, protocol: 'TCP' }];
const everywhere = [{ ipBlock: { cidr: '0.0.0.0/0' } }];
const everyNamespace = [{ namespaceSelector: {} }];
const labelled = [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'any' } } }];

/** Rules of an additional policy. `added` lists the connections that the rule adds from or to places outside the namespace. */
const rules: readonly (readonly [title: string, side: 'ingress' | 'egress', rule: Rule, added: string[]])[] =
  [
    ['without `from`', 'ingress', { ports }, ['* → payment-service:50053']],
    ['with an empty `from`', 'ingress', { ports, from: [] }, ['* → payment-service:50053']],
    [
      'that allows clients in every namespace',
      'ingress',
      { ports, from: everyNamespace },
      ['* → payment-service:50053'],
    ],
    [
      'that allows labelled pods of every namespace as clients',
      'ingress',
      { ports, from: labelled },
      ['*/app=any → payment-service:50053'],
    ],
    [
      'that allows client addresses',
      'ingress',
      { ports, from: everywhere },
      ['0.0.0.0/0 → payment-service:50053'],
    ],
    [
      'that allows server addresses on any port',
      'egress',
      { to: everywhere },
      ['payment-service → 0.0.0.0/0:*'],
    ],
    [
      'that allows server addresses on a range of ports',
      'egress',
      { to: everywhere, ports: [{ port: 1, endPort: 9 }] },
      ['payment-service → 0.0.0.0/0:1-9'],
    ],
  ];

describeWith(['kustomize'], 'the evaluation of NetworkPolicies', () => {
  const manifests = render('production');
  const before = new Network(manifests);
  const { labels } = podsOf([objectOf(manifests, 'Deployment', 'payment-service')])[0]!;

  for (const [title, side, rule, added] of rules)
    it(`includes the connections of a rule ${title}`, () => {
      const policyTypes = [side === 'ingress' ? 'Ingress' : 'Egress'];
      const spec = { podSelector: { matchLabels: labels }, policyTypes, [side]: [rule] };
      const policy = { apiVersion: '', kind: 'NetworkPolicy', metadata: { name: 'more' }, spec };
      const after = new Network([...manifests, policy]);
      const known = before.outside(side);
      expect(after.outside(side).filter((edge) => !known.includes(edge))).to.deep.equal(added);
    });
});
