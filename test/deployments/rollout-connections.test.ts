import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  objectOf,
  render,
  settingsOf,
  type Container,
  type DeploymentSpec,
  type Manifest,
  type ScalingSpec,
  type Workload,
} from './manifests.js';
import { configure } from './service-configs.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

describeWith(['kustomize'], 'connections to PostgreSQL', () => {
  /** Beside the pool: one for metrics, and two of the order service for heartbeats. */
  const besidePool = (name: string): number => (name === 'order-service' ? 3 : 1);

  /** What all services open at most, with one replica more during a rollout; migrations apart. */
  const mostOf = (manifests: readonly Manifest[]): { replicas: number; connections: number } => {
    const each = services.map(({ name }) => {
      const { maxReplicas } = objectOf(manifests, 'HorizontalPodAutoscaler', name).spec as ScalingSpec;
      const { template, strategy } = objectOf(manifests, 'Deployment', name).spec as DeploymentSpec;
      const given = settingsOf(manifests, template.spec.containers[0] as Container);
      const { poolMax } = configure[name]({ ...given, DATABASE_URL: 'postgres://a:b@c:5432/d' }).database;
      const replicas = maxReplicas + strategy.rollingUpdate.maxSurge;
      return { replicas, connections: replicas * (poolMax + besidePool(name)) };
    });
    return {
      replicas: Math.max(...each.map(({ replicas }) => replicas)),
      connections: each.reduce((sum, { connections }) => sum + connections, 0),
    };
  };

  it('fit into its own, in dev: those of services and migrations, and three for its administrator', () => {
    const manifests = render('dev');
    const { template } = objectOf(manifests, 'StatefulSet', 'postgres').spec as Workload;
    const args = template.spec.containers.flatMap((container) => container.args ?? []);
    const most = args.find((one) => one.startsWith('max_connections='))?.split('=')[1];
    expect(mostOf(manifests).connections + services.length + 3).to.be.at.most(Number(most));
  });

  for (const overlay of ['staging', 'production'] as const) {
    it(`are as many as the document says: ${overlay}`, () => {
      const text = readFileSync('docs/docker-kubernetes.md', 'utf8');
      const { replicas, connections } = mostOf(render(overlay));
      const figures = `${overlay}: ${replicas} replicas of each, ${connections.toLocaleString('en')} connections`;
      expect(text.replaceAll(/\s+/g, ' ')).to.include(figures);
    });
  }
});
