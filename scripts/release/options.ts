import type { Environment } from '../../pkg/config/index.js';
import { numberOf } from '../deploy-k8s/settings.js';

export interface ReleaseOptions {
  /** How long the new version is watched before it counts as good, milliseconds. */
  readonly watchMs: number;
  readonly pollMs: number;
  /** Share of calls that may end with a fault of ours. */
  readonly maxErrorRatio: number;
  /** With fewer calls than this the error rate says nothing. */
  readonly minCalls: number;
  /** Whether test-client plays its scenarios before the watch. It places orders: not in production. */
  readonly smokeTest: boolean;
  /** Prometheus, where it can be reached directly; otherwise it is asked inside its pod. */
  readonly prometheusUrl?: string;
  /** How long pods of the version before may take to come back, milliseconds. */
  readonly rollbackMs: number;
}

/** @throws DeployError that names the value that cannot be used */
export function releaseOptions(env: Environment): ReleaseOptions {
  const prometheusUrl = env['PROMETHEUS_URL'] ?? '';
  return {
    watchMs: numberOf(env, 'WATCH_SECONDS', 300) * 1000,
    pollMs: 5000,
    maxErrorRatio: numberOf(env, 'MAX_ERROR_RATIO', 0.01),
    minCalls: numberOf(env, 'MIN_CALLS', 20),
    smokeTest: env['SMOKE_TEST'] === '1',
    rollbackMs: numberOf(env, 'TIMEOUT_SECONDS', 600) * 1000,
    ...(prometheusUrl !== '' && { prometheusUrl }),
  };
}
