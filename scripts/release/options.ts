import type { Environment } from '../../pkg/config/index.js';
import { numberOf } from '../deploy-k8s/settings.js';

export interface ReleaseOptions {
  readonly watchMs: number;
  readonly pollMs: number;
  /** Largest share of calls that may end with a server fault. */
  readonly maxErrorRatio: number;
  /** Below this number of calls, the share of server faults is not judged. */
  readonly minCalls: number;
  /** Whether test-client runs its scenarios before the watch. The scenarios place orders. Not allowed for production. */
  readonly smokeTest: boolean;
  /** URL of Prometheus. If undefined, queries run in the Prometheus pod of the cluster. */
  readonly prometheusUrl: string | undefined;
}

/** @throws DeployError that names the invalid value */
export function releaseOptions(env: Environment): ReleaseOptions {
  return {
    watchMs: numberOf(env, 'WATCH_SECONDS', 300) * 1000,
    pollMs: 5000,
    maxErrorRatio: numberOf(env, 'MAX_ERROR_RATIO', 0.01),
    minCalls: numberOf(env, 'MIN_CALLS', 20),
    smokeTest: env['SMOKE_TEST'] === '1',
    prometheusUrl: env['PROMETHEUS_URL'] || undefined,
  };
}
