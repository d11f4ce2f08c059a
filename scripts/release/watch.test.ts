import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';
import { countedCalls, faultStatuses } from '../objectives.js';
import { releaseOptions } from './options.js';
import type { Prometheus } from './prometheus.js';
import { watch } from './watch.js';

interface State {
  readonly ready?: boolean;
  readonly restarts?: number;
}

const aPod = ({ ready = true, restarts = 0 }: State) => ({
  metadata: { name: 'order-service-1' },
  status: {
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [{ restartCount: restarts }],
  },
});

interface Seen {
  /** States of the pod: the first when the watch begins, then one for each poll. The last state repeats. */
  readonly pods?: readonly State[];
  readonly calls?: number;
  readonly failed?: number;
  /** Number of queries that Prometheus does not answer before it answers the others. */
  readonly unanswered?: number;
}

/** Returns the report of a watch, or the message of the error that ends the watch. */
async function result({ pods = [{}], calls = 1000, failed = 0, unanswered = 0 }: Seen): Promise<string> {
  const states = [...pods];
  const list = () => [aPod((states.length > 1 ? states.shift() : states[0]) ?? {})];
  let silent = unanswered;
  const prometheus: Prometheus = async (query) => {
    if (silent-- > 0) throw new DeployError('Prometheus does not answer');
    return query.includes('status=~') ? failed : calls;
  };
  let text = '';
  await watch({
    kubectl: { list } as unknown as Kubectl,
    namespace: 'order-processing',
    prometheus,
    options: { ...releaseOptions({ WATCH_SECONDS: '0.05' }), pollMs: 5 },
    sinceMs: Date.now(),
    say: (said) => (text = said),
  }).catch((error: unknown) => {
    if (!(error instanceof DeployError)) throw error;
    text = error.message;
  });
  return text;
}

const cases: readonly (readonly [title: string, seen: Seen, expected: string])[] = [
  ['is good with ready pods and no failed calls', {}, 'every pod is ready; 0.00 % of 1000 calls failed'],
  ['is good with as many failed calls as allowed', { failed: 10 }, '1.00 % of 1000 calls failed'],
  [
    'is bad with more failed calls than allowed',
    { failed: 11 },
    '1.10 % of 1000 calls failed, 1 % are allowed',
  ],
  ['is good with few calls, even if all of them fail', { calls: 3, failed: 3 }, '3 calls, too few to judge'],
  ['is bad when a pod restarts', { pods: [{}, { restarts: 1 }] }, 'pod order-service-1 was restarted'],
  [
    'is good when a pod was restarted only before the watch',
    { pods: [{ restarts: 3 }] },
    'every pod is ready',
  ],
  ['is bad when a pod does not become ready', { pods: [{ ready: false }] }, 'does not become ready'],
  [
    'is good when a pod becomes ready',
    { pods: [{ ready: false }, { ready: false }, {}] },
    'every pod is ready',
  ],
  ['is good when Prometheus does not answer one query', { unanswered: 1 }, 'every pod is ready'],
  [
    'is bad when Prometheus does not answer in three consecutive polls',
    { unanswered: 9 },
    'Prometheus does not answer',
  ],
];

describe('a version that a release watches', () => {
  for (const [title, seen, expected] of cases)
    it(title, async () => {
      expect(await result(seen)).to.include(expected);
    });
});

describe('the calls that a release counts', () => {
  it('are selected as in the availability objective of slo.yaml', () => {
    const rules = readFileSync('deployments/docker/observability/prometheus/rules/slo.yaml', 'utf8');
    expect(rules).to.include(countedCalls).and.to.include(`status=~"${faultStatuses}"`);
  });
});
