import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { services } from '../cmd/dev/services/service-spec.js';
import type { ReplicatedSystem } from './replicated-system.js';
import { loadEnvironment } from '../pkg/config/index.js';

export interface Check {
  readonly title: string;
  readonly violations: readonly string[];
}

interface AuditReport {
  readonly invariants: readonly {
    readonly number: number;
    readonly title: string;
    readonly violations: readonly unknown[];
  }[];
  /** What the audit could not judge. */
  readonly unstable: readonly unknown[];
  readonly dropped: number;
}

interface AuditOptions {
  /** Ids of the orders in answers to the clients. */
  readonly acknowledged: Iterable<string>;
  /** File for these ids. */
  readonly file: string;
  /** Directory of the version whose audit runs. */
  readonly root?: string;
}

/** Runs `make audit` and returns the result of each invariant. */
export async function audit(
  system: ReplicatedSystem,
  { acknowledged, file, root = '.' }: AuditOptions,
): Promise<Check[]> {
  writeFileSync(file, [...new Set(acknowledged)].join('\n'));
  const addresses = services.map(({ domain, prefix }) => [
    `${prefix}_SERVICE_ADDR`,
    system.of(domain)[0]?.address,
  ]);
  const main = path.join(root, 'dist/cmd/audit/main.js');
  const child = spawn(process.execPath, [main, '--json', '--acknowledged', file], {
    env: { ...loadEnvironment(), ...Object.fromEntries(addresses) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, progress] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (output === '') throw new Error(`the audit did not finish:\n${progress}`);
  const { invariants, unstable, dropped } = JSON.parse(output) as AuditReport;
  return [
    ...invariants.map(({ number, title, violations }) => ({
      title: `${number}. ${title}`,
      violations: violations.map((violation) => JSON.stringify(violation)),
    })),
    {
      title: 'The audit could judge everything',
      violations: [...unstable, ...Array.from({ length: dropped })].map(String),
    },
  ];
}
