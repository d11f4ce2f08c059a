import { expect } from 'chai';
import { overlays, podsOf, render } from './manifests.js';
import { Network } from './network.js';
import { services } from './system.js';
import { asked, scraped, sentTo } from './telemetry-edges.js';
import { describeWith } from './tools.js';

const all = services.map(({ name }) => name);
const withDatabase = [...all, ...all.map((name) => `${name}-migration`)];
const grpcPortOf = (name: string): number => services.find((service) => service.name === name)?.grpcPort ?? 0;

/** Where names are looked up: by the cluster's DNS, or by a cache on the node. */
const dns = ['kube-system', '169.254.20.10/32'];

/** The calls that the code makes, read from what it is configured with. */
function expectedEdges(): string[] {
  return [
    ...services.flatMap(({ name, calls }) => calls.map((other) => `${name} → ${other}:${grpcPortOf(other)}`)),
    ...all.map((name) => `test-client → ${name}:${grpcPortOf(name)}`),
    ...all.map((name) => `${name} → otel-collector:4317`),
    ...scraped().map((target) => `prometheus → ${target}`),
    ...asked().map((target) => `grafana → ${target}`),
    ...sentTo().map((target) => `otel-collector → ${target}`),
  ];
}

describeWith(['kustomize'], 'the network', () => {
  for (const overlay of overlays) {
    describe(`of ${overlay}`, () => {
      const network = new Network([...render(overlay), ...render('smoke-test')]);
      const database = overlay === 'dev' ? withDatabase.map((name) => `${name} → postgres:5432`) : [];

      it('isolates every pod', () => {
        for (const pod of podsOf(render(overlay))) expect(network.isIsolated(pod), pod.title).to.equal(true);
      });

      for (const side of ['ingress', 'egress'] as const) {
        it(`allows what the code does, and nothing more, as ${side}`, () => {
          expect(network.edges(side)).to.deep.equal([...expectedEdges(), ...database].toSorted());
        });
      }

      it('leads out of the namespace to the names and the databases alone', () => {
        const pods = podsOf([...render(overlay), ...render('smoke-test')]);
        const names = pods.flatMap(({ name }) => dns.map((place) => `${name} → ${place}:53`));
        const outer = overlay === 'dev' ? [] : withDatabase.map((name) => `${name} → 192.0.2.0/24:5432`);
        expect(network.outside()).to.deep.equal([...names, ...outer].toSorted());
      });
    });
  }
});
