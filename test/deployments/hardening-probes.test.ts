import { expect } from 'chai';
import { allRendered, podsOf, render, type Container, type Probe } from './manifests.js';
import { describeWith } from './tools.js';

/** Seconds that a start may take. What reads a log of writes first begins anew when it is stopped half-way. */
const slowStarts: Readonly<Record<string, number>> = {
  postgres: 900,
  prometheus: 900,
  loki: 900,
  jaeger: 600,
  grafana: 600,
};
const usualStart = 60;
/** Seconds without an answer before a restart. */
const patience = 30;

/** Of a probe as Kubernetes fills it in. */
function secondsOf({ initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3 }: Probe): number {
  return initialDelaySeconds + periodSeconds * failureThreshold;
}

/** The port that a probe asks, as a number; undefined where the container declares none like it. */
function portOf(probe: Probe | undefined, { ports = [] }: Container): number | undefined {
  const [, ofCommand] = /--port=(\d+)/.exec(probe?.exec?.command.join(' ') ?? '') ?? [];
  const asked = probe?.grpc?.port ?? probe?.httpGet?.port ?? Number(ofCommand);
  return ports.find(({ name, containerPort }) => asked === name || asked === containerPort)?.containerPort;
}

describeWith(['kustomize'], 'every container that stays', () => {
  for (const name of allRendered) {
    const pods = podsOf(render(name)).filter(({ title }) => !title.startsWith('Job '));
    for (const { title, spec } of pods) {
      for (const container of spec.containers) {
        const { startupProbe, readinessProbe, livenessProbe } = container;

        describe(`${container.name} in ${title} of ${name}`, () => {
          it('says on a port of its own whether it has started, is ready and lives', () => {
            for (const [kind, probe] of Object.entries({ startupProbe, readinessProbe, livenessProbe }))
              expect(portOf(probe, container), kind).to.be.a('number');
          });

          it('has time to start', () => {
            const needed = slowStarts[container.name] ?? usualStart;
            expect(secondsOf(startupProbe ?? {})).to.be.at.least(needed);
          });

          it('is not restarted for a moment of silence', () => {
            expect(secondsOf(livenessProbe ?? {})).to.be.at.least(patience);
            expect(livenessProbe?.timeoutSeconds).to.be.above(1);
          });
        });
      }
    }
  }
});

describeWith(['kustomize'], 'what reads its log of writes', () => {
  const pods = podsOf(render('dev'));

  for (const name of ['prometheus', 'loki']) {
    it(`is ready when it has: ${name}. It lives before`, () => {
      const container = pods.find((pod) => pod.name === name)?.spec.containers[0];
      expect(container?.readinessProbe?.httpGet?.path).to.match(/\/ready$/);
      expect(container?.livenessProbe?.httpGet?.path).to.match(
        /^\/(-\/healthy|loki\/api\/v1\/status\/buildinfo)$/,
      );
    });
  }
});
